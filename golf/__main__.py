"""``python -m golf`` is ``golf``."""

from golf.cli import main

if __name__ == "__main__":
    main()
