using DistillOnnx.Toolchain.Scripting;

namespace DistillOnnx.Toolchain.Evaluation;

/// <summary>The student's rationales as lines for a person.</summary>
public static class RationaleTable
{
    private static readonly string[] Head = ["row", "gold", "answered", "rationale"];

    /// <summary>A line for each row whose rationale is shown, named by its id; no lines where none were asked for.</summary>
    /// <param name="result">What an evaluation found.</param>
    public static IReadOnlyList<string> Lines(EvaluateResult result)
    {
        if (result.Rationales is not { Examples.Count: > 0 } rationales) return [];
        string[][] cells =
        [
            Head,
            .. rationales.Examples.Select(e => (string[])[e.Id, OneLine(e.Gold), OneLine(e.Answered), OneLine(e.Student)]),
        ];
        return TextTable.Lines(cells, leftColumns: Head.Length);
    }

    private static string OneLine(string text) =>
        string.Join(' ', text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
}
