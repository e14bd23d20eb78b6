using DistillOnnx.Core;
using DistillOnnx.Core.Tasks;
using DistillOnnx.Core.Tokenization;
using DistillOnnx.Stages.Reporting;

namespace DistillOnnx.Training.Trainer;

/// <summary>
/// Finds targets that a tokenizer cannot write: their text has characters without a piece, so the student would learn the unknown
/// token and could never answer with what the row says.
/// </summary>
/// <param name="encoder">Encodes the targets.</param>
internal sealed class TargetCheck(InputEncoder encoder)
{
    private const int MostExamples = 3;

    private readonly Findings _labels = new();
    private readonly Findings _rationales = new();

    /// <summary>Refuses a closed set with a label that cannot be written, or with labels that cannot be told apart.</summary>
    /// <exception cref="InputException">It names the label and the characters that are missing.</exception>
    public void RequireLabels()
    {
        if (encoder.Task is not { Kind: TaskKind.Labels, Labels: { } labels }) return;
        foreach (var label in labels)
        {
            if (encoder.EncodeLabel(label).Contains(encoder.Tokenizer.UnkId))
                throw new InputException(
                    $"label \"{InputText.Show(label)}\" cannot be written: the tokenizer has no piece for {Shown(Missing(label))}");
        }

        encoder.BuildTrie(labels);
    }

    /// <summary>Counts a label.</summary>
    /// <param name="text">Its text.</param>
    /// <param name="ids">Its ids.</param>
    public void AddLabel(string text, ReadOnlySpan<int> ids) => Add(_labels, text, ids);

    /// <summary>Counts a rationale.</summary>
    /// <param name="text">Its text.</param>
    /// <param name="ids">Its ids.</param>
    public void AddRationale(string text, ReadOnlySpan<int> ids) => Add(_rationales, text, ids);

    /// <summary>Reports what was found.</summary>
    /// <param name="split">The split's name.</param>
    /// <param name="reporter">Receives it.</param>
    /// <exception cref="InputException">No label of the split can be written.</exception>
    public void Report(string split, IReporter reporter)
    {
        if (_labels.Unwritable > 0 && _labels.Unwritable == _labels.Count)
            throw new InputException(
                $"{split}: none of the {_labels.Count} labels can be written, {_labels.Describe()}; "
                + $"add the characters to the tokenizer, or use another");
        if (_labels.Unwritable > 0)
            reporter.Warn(
                $"{split}: {_labels.Unwritable} of {_labels.Count} labels cannot be written, "
                + $"so no answer can equal them: {_labels.Describe()}");
        if (_rationales.Unwritable > 0)
            reporter.Warn(
                $"{split}: {_rationales.Unwritable} of {_rationales.Count} "
                + $"rationales hold characters that the student cannot write: {_rationales.Describe()}");
    }

    private void Add(Findings findings, string text, ReadOnlySpan<int> ids)
    {
        findings.Count++;
        var pieces = ids.Count(encoder.Tokenizer.UnkId);
        if (pieces == 0) return;
        findings.Unwritable++;
        findings.Pieces += pieces;
        if (findings.Examples.Count < MostExamples) findings.Examples.Add(InputText.Show(text.Length > 60 ? text[..60] + "\u2026" : text));
        foreach (var character in Missing(text)) findings.Characters[character] = findings.Characters.GetValueOrDefault(character) + 1;
    }

    private IReadOnlyList<string> Missing(string text) =>
        [.. text.EnumerateRunes().Distinct().Select(r => r.ToString())
            .Where(c => encoder.Tokenizer.Encode(c, appendEos: false).Contains(encoder.Tokenizer.UnkId))];

    private static string Shown(IEnumerable<string> characters) => string.Join(' ', characters.Select(c => $"\"{InputText.Show(c)}\""));

    private sealed class Findings
    {
        private const int MostCharacters = 10;

        public int Count { get; set; }

        public int Unwritable { get; set; }

        public int Pieces { get; set; }

        public Dictionary<string, int> Characters { get; } = new(StringComparer.Ordinal);

        public List<string> Examples { get; } = [];

        public string Describe() =>
            $"{Pieces} unknown pieces, the tokenizer has none for {Shown(Commonest)}; for instance {Shown(Examples)}";

        private IEnumerable<string> Commonest => Characters.OrderByDescending(c => c.Value).Take(MostCharacters).Select(c => c.Key);
    }
}
