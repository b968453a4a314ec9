"""The visitor's session, the address and the caches; only this room touches them."""
