"""The models themselves, short enough to read in one sitting."""
