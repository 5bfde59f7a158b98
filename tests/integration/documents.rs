//! Documents of several effects, documents that wait for others, and what people decide about them, against a real
//! database and made-up books.

mod imports;
mod paper;
mod parts;
mod products;
mod recreation;
mod references;
mod switches;
mod waiting;
