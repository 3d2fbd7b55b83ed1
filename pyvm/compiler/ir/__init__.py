"""Functions between WebAssembly and machine code: expression trees and what is known of values."""
