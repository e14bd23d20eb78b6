namespace DistillOnnx.Toolchain.Import;

/// <summary>A row of a table before it is known which of its columns mean what.</summary>
/// <param name="Where">Names the row in messages: its file and row.</param>
/// <param name="Values">Column to value: a <see cref="string"/> (numbers and truth values as text), a list of strings, or null.</param>
internal readonly record struct TableRow(string Where, IReadOnlyDictionary<string, object?> Values);
