//! The guards as the program prints them.
