#!/bin/sh
# In the image, for runbooks that call it by this name: restore the newest snapshot into scratch and compare.
exec holdfast verify "$@"
