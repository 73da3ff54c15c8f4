//! Every message that people can meet, as it looks.
