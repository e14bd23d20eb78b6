using DistillOnnx.Data;
using DistillOnnx.Data.Completions;

namespace DistillOnnx.Toolchain.Import;

/// <summary>A row on its way into a dataset.</summary>
/// <param name="Where">Names the row in messages: its file and row.</param>
/// <param name="Example">The row.</param>
/// <param name="HasTeacher">Whether a teacher answered it, parsed or not.</param>
/// <param name="Fault">Why the teacher's completion gave no label.</param>
/// <param name="Error">Why the row cannot be used, with its file, row and column; null where it can.</param>
/// <param name="At">Names a field's cell as a spreadsheet does; null where the format has no such name.</param>
internal readonly record struct ImportedRow(
    string Where, Example Example, bool HasTeacher, CompletionFault Fault, string? Error = null, Func<string, string>? At = null)
{
    /// <summary>Puts the place of a fault before it.</summary>
    /// <param name="fault">A fault, which begins with its field in quotes where it has one.</param>
    public string Locate(string fault) =>
        $"{(At is not null && fault.StartsWith('"') ? At(fault[1..fault.IndexOf('"', 1)]) : Where)}: {fault}";
}
