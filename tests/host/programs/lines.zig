// Zig's library: arguments, lines of standard input, a list, formatting, a status.
const std = @import("std");

pub fn main(init: std.process.Init) !u8 {
    const arena = init.arena.allocator();
    const args = try init.minimal.args.toSlice(arena);
    var in_buffer: [64]u8 = undefined;
    var out_buffer: [256]u8 = undefined;
    var stdin = std.Io.File.stdin().reader(init.io, &in_buffer);
    var stdout = std.Io.File.stdout().writer(init.io, &out_buffer);
    const out = &stdout.interface;
    var lines: std.ArrayList([]const u8) = .empty;
    while (try stdin.interface.takeDelimiter('\n')) |line| {
        try lines.append(arena, try arena.dupe(u8, line));
    }
    for (args, 0..) |arg, i| try out.print("{d}: {s}\n", .{ i, arg });
    var i = lines.items.len;
    while (i > 0) {
        i -= 1;
        try out.print("{d:0>3} {s}\n", .{ lines.items[i].len, lines.items[i] });
    }
    try out.flush();
    std.debug.print("{d} lines\n", .{lines.items.len});
    return @intCast(args.len);
}
