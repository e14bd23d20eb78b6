using DistillOnnx.Data;
using DistillOnnx.Data.Completions;

namespace DistillOnnx.Toolchain.Import;

/// <summary>A row on its way into a dataset.</summary>
/// <param name="Where">Names the row in messages: its file and row.</param>
/// <param name="Example">The row.</param>
/// <param name="HasTeacher">Whether a teacher answered it, parsed or not.</param>
/// <param name="Fault">Why the teacher's completion gave no label.</param>
internal readonly record struct ImportedRow(string Where, Example Example, bool HasTeacher, CompletionFault Fault);
