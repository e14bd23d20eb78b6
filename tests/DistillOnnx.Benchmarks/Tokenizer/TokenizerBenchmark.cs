using System.Globalization;
using System.IO.Compression;
using System.Text;
using DistillOnnx.Benchmarks.Harness;
using DistillOnnx.Core.Tokenization;
using DistillOnnx.Training.TokenizerTraining;

namespace DistillOnnx.Benchmarks.Tokenizer;

/// <summary>
/// Tokens per second on one thread, lines in and decimal ids out, against SentencePiece's <c>spm_encode</c> where that is
/// installed; and the time per character of one long line, which must not grow with the line.
/// </summary>
internal sealed class TokenizerBenchmark : IBenchmark
{
    private static readonly int[] LineLengths = [1_000, 10_000, 100_000, 1_000_000];

    /// <inheritdoc/>
    public string Name => "tokenizer";

    /// <inheritdoc/>
    public Task<BenchmarkResult> RunAsync(BenchmarkOptions options, CancellationToken cancellationToken)
    {
        var result = new BenchmarkResult(Name);
        var folder = Directory.CreateTempSubdirectory("tokenizer-bench-").FullName;
        try
        {
            var (tokenizer, lines, source) = Prepare(options);
            tokenizer.Save(folder);
            result.Note(
                $"Text: {source}, {lines.Count:N0} lines, {lines.Sum(l => (long)l.Length):N0} characters; "
                + $"{tokenizer.VocabularySize:N0} ids.");
            CompareThroughput(result, tokenizer, lines, folder, options, cancellationToken);
            MeasureLongLines(result, tokenizer, lines, options, cancellationToken);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }

        return Task.FromResult(result);
    }

    private static (T5Tokenizer Tokenizer, IReadOnlyList<string> Lines, string Source) Prepare(BenchmarkOptions options)
    {
        var count = options.Quick ? 10_000 : 200_000;
        if (options.SharedData is { } shared && File.Exists(Path.Combine(shared, "data/corpus/train_text.txt.gz")))
        {
            using var packed = new GZipStream(
                File.OpenRead(Path.Combine(shared, "data/corpus/train_text.txt.gz")), CompressionMode.Decompress);
            using var reader = new StreamReader(packed);
            var lines = new List<string>(count);
            while (lines.Count < count && reader.ReadLine() is { } line) lines.Add(line);
            return (T5Tokenizer.Load(Path.Combine(shared, "data/tokenizer")), lines, "training sentences, T5's own tokenizer");
        }

        var generated = GeneratedText.Lines(count).ToArray();
        return (
            T5Tokenizer.FromModel(UnigramTrainer.Train(generated.Take(5_000))),
            generated,
            "generated sentences, a tokenizer trained on them");
    }

    private static void CompareThroughput(
        BenchmarkResult result,
        T5Tokenizer tokenizer,
        IReadOnlyList<string> lines,
        string folder,
        BenchmarkOptions options,
        CancellationToken cancellationToken)
    {
        var input = Path.Combine(folder, "text.txt");
        var empty = Path.Combine(folder, "empty.txt");
        File.WriteAllText(input, string.Join('\n', lines) + "\n");
        File.WriteAllText(empty, "");
        var ours = Path.Combine(folder, "ours.txt");
        var theirs = Path.Combine(folder, "theirs.txt");
        var tokens = 0L;
        var variants = new List<(string Name, Action Run)> { ("DistillOnnx", () => tokens = EncodeFile(tokenizer, input, ours)) };
        var spm = SpmProgram.Find();
        if (spm is not null)
        {
            var model = Path.Combine(folder, T5Tokenizer.ModelFileName);
            variants.Add(("spm_encode", () => spm.Run(model, input, theirs)));
            variants.Add(("spm_encode, nothing to do", () => spm.Run(model, empty, Path.Combine(folder, "none.txt"))));
        }

        var times = Interleaved.Measure(variants, options.Quick ? 3 : 9, warmup: 2, cancellationToken);
        Row("DistillOnnx", times["DistillOnnx"].Median);
        if (spm is null)
        {
            result.Note("spm_encode is not on the PATH (Debian: apt-get install sentencepiece), so there is no ratio.");
            return;
        }

        // A process of its own loads the model each time; that is not tokenizing.
        var reference = times["spm_encode"].Median - times["spm_encode, nothing to do"].Median;
        Row("spm_encode, less start and loading", reference);
        result.Ratio("tokens_over_sentencepiece", reference / times["DistillOnnx"].Median);
        var same = File.ReadLines(ours).Zip(File.ReadLines(theirs)).Count(p => p.First == p.Second);
        result.Note(FormattableString.Invariant(
            $"Identical lines: {same} of {lines.Count}. Both read a file and write ids as text, on one thread."));

        void Row(string name, double milliseconds) =>
            result.Row(("tokenizer", name), ("ms", milliseconds), ("tokens/s", tokens / milliseconds * 1000));
    }

    private static long EncodeFile(T5Tokenizer tokenizer, string input, string output)
    {
        var tokens = 0L;
        using var writer = new StreamWriter(output, append: false, new UTF8Encoding(false), 1 << 16);
        Span<char> digits = stackalloc char[12];
        foreach (var line in File.ReadLines(input))
        {
            var ids = tokenizer.Encode(line, appendEos: false);
            tokens += ids.Length;
            for (var i = 0; i < ids.Length; i++)
            {
                if (i > 0) writer.Write(' ');
                ids[i].TryFormat(digits, out var written, default, CultureInfo.InvariantCulture);
                writer.Write(digits[..written]);
            }

            writer.Write('\n');
        }

        return tokens;
    }

    private static void MeasureLongLines(
        BenchmarkResult result,
        T5Tokenizer tokenizer,
        IReadOnlyList<string> lines,
        BenchmarkOptions options,
        CancellationToken cancellationToken)
    {
        var text = string.Join(' ', lines.Take(100_000));
        var variants = new List<(string Name, Action Run)>();
        foreach (var length in LineLengths.Where(l => l <= text.Length))
        {
            var words = text[..length];
            var run = new string('a', length);
            // The same number of characters in each, so that times compare directly.
            var repeats = LineLengths[^1] / length;
            variants.Add(($"words {length}", () => Repeat(words, repeats)));
            variants.Add(($"one character {length}", () => Repeat(run, repeats)));
        }

        var times = Interleaved.Measure(variants, options.Quick ? 3 : 9, warmup: 1, cancellationToken);
        foreach (var (name, _) in variants)
        {
            var space = name.LastIndexOf(' ');
            result.Row(
                ("one line of", name[..space]),
                ("characters", name[(space + 1)..]),
                ("ns per character", times[name].Median * 1e6 / LineLengths[^1]));
        }

        void Repeat(string line, int repeats)
        {
            for (var i = 0; i < repeats; i++) tokenizer.Encode(line);
        }
    }
}
