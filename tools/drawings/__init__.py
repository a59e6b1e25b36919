"""The drawings of the notebooks: `notebooks/drawings/*.svg`, all in one style (`style.css`)."""
