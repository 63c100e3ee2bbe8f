//! The extension module kafkalite._native: converts, waits, translates errors. Decides nothing.
