namespace DistillOnnx.Core.Data;

/// <summary>A line of a JSON Lines file.</summary>
/// <param name="Row">Line number in the file, counted from 1, blank lines included.</param>
/// <param name="Utf8">The line without its end. Valid until the next line is asked for.</param>
public readonly record struct JsonLine(long Row, ReadOnlyMemory<byte> Utf8);
