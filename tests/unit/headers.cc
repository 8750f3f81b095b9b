// Nothing: the target that this file makes is there for its precompiled headers.
