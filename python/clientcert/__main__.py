"""``python -m clientcert``."""

from clientcert.cli import main

if __name__ == "__main__":
    main()
