"""What the notebooks built by hand, carried on: one module a thing, imports only downwards."""

import warnings

# tqdm asks for ipywidgets, which the course does without: its progress bars are plain text.
warnings.filterwarnings("ignore", message="IProgress not found")
