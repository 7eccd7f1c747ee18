"""The eye: picture in, vector, mask and category out. Knows no product and no HTTP service."""
