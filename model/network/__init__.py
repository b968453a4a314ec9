"""The models themselves, to be read in one sitting."""
