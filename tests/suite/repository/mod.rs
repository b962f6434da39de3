//! The repository itself: its layout, its generated files and what its README promises.

mod architecture;
mod compile_options;
mod generated_files;
mod readme;
mod table_of_tests;
