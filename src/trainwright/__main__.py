"""Lets `python -m trainwright` be the command line."""

from trainwright.cli.main import main

if __name__ == "__main__":
    main()
