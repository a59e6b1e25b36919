"""What the notebooks built by hand, carried on: one module a thing, imports only downwards."""

import os
import warnings

# Let torch ask Linux for large memory pages: fewer page faults when large tensors come and go.
# It is read when the first large tensor is made.
os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")

# tqdm asks for ipywidgets, which the course does without: its progress bars are plain text.
warnings.filterwarnings("ignore", message="IProgress not found")
