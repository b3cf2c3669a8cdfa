"""Where parties run: launcher, confinement, local grid."""
