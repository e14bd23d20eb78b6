using System.Diagnostics;
using System.Text.Json.Nodes;
using DistillOnnx.Checkpoints;
using DistillOnnx.Core.Tokenization;
using DistillOnnx.Interop;
using DistillOnnx.TestSupport;
using DistillOnnx.Training.Generation;
using DistillOnnx.Training.T5;
using TorchSharp;

namespace DistillOnnx.Toolchain.Tests.Forms;

/// <summary>Has transformers load checkpoints and compare what it computes (<c>tests/Interop/transformers/check_saves.py</c>).</summary>
internal static class TransformersCheck
{
    private const int MostTokens = 8;

    /// <summary>
    /// A Python that has transformers: the one that the environment variable DISTILLONNX_PYTHON names, else <c>python3</c>.
    /// </summary>
    /// <param name="missing">What has to be installed, where there is none.</param>
    public static string? Python(out string missing)
    {
        var named = Environment.GetEnvironmentVariable("DISTILLONNX_PYTHON");
        var python = string.IsNullOrEmpty(named) ? ProgramPath.Find("python3", "python") : named;
        missing = python is null
            ? "Python is not on the path"
            : $"{python} has no transformers with torch and sentencepiece; DISTILLONNX_PYTHON names another Python";
        return python is not null && Start(python, ["-c", "import torch, transformers, sentencepiece"]).Code == 0 ? python : null;
    }

    /// <summary>Loads checkpoints in transformers; each has <c>expected.json</c> beside it.</summary>
    public static void Run(string python, IReadOnlyList<string> checkpoints)
    {
        var script = Path.Combine(InteropPaths.RepositoryRoot!, "tests", "Interop", "transformers", "check_saves.py");
        var (code, output, errors) = Start(python, [script, .. checkpoints]);
        foreach (var line in output.Split('\n', StringSplitOptions.RemoveEmptyEntries))
            TestContext.Current.TestOutputHelper?.WriteLine(line);
        Assert.True(code == 0, output + errors);
        Assert.Equal(checkpoints.Count, output.Split('\n').Count(l => l.StartsWith('{')));
    }

    /// <summary>Writes what TorchSharp computes with a checkpoint, in the form that the script reads.</summary>
    /// <param name="directory">The checkpoint, with its tokenizer.</param>
    /// <param name="texts">Texts to take tokens of; the model is asked these, too.</param>
    public static void WriteExpected(string directory, string[] texts)
    {
        using var checkpoint = Checkpoint.Open(directory);
        using var model = T5Model.Load(checkpoint);
        model.eval();
        var tokenizer = T5Tokenizer.Load(directory);
        int[][] tokens = [.. texts.Select(t => tokenizer.Encode(t))];
        var width = tokens.Max(t => t.Length);
        int[][] inputs = [.. tokens.Select(t => t.Concat(Enumerable.Repeat(0, width - t.Length)).ToArray())];
        int[][] mask = [.. tokens.Select(t => Enumerable.Range(0, width).Select(i => i < t.Length ? 1 : 0).ToArray())];
        int[][] decoded = [.. texts.Select((_, i) => (int[])[model.Config.DecoderStartTokenId, 9 + i, 4, 20, 7, 7, 30])];
        var logits = Logits(model, inputs, mask, decoded).Chunk(model.Config.VocabSize).Chunk(decoded[0].Length);
        using var batch = PaddedBatch.Create(tokens, model.Config.PadTokenId, torch.CPU);
        var greedy = new StudentGenerator(model).Greedy(batch, MostTokens, TestContext.Current.CancellationToken);
        var expected = new JsonObject
        {
            ["input_ids"] = Rows(inputs),
            ["attention_mask"] = Rows(mask),
            ["decoder_input_ids"] = Rows(decoded),
            ["logits"] = new JsonArray([.. logits.Select(r => (JsonNode?)new JsonArray([.. r.Select(
                p => (JsonNode?)new JsonArray([.. p.Select(v => (JsonNode?)v)]))]))]),
            ["max_new_tokens"] = MostTokens,
            ["greedy"] = Rows(greedy),
            ["texts"] = new JsonArray([.. texts.Select(t => (JsonNode?)t)]),
            ["text_ids"] = Rows(tokens),
        };
        File.WriteAllText(Path.Combine(directory, "expected.json"), expected.ToJsonString());
    }

    /// <summary>Logits [B·T·vocab_size].</summary>
    public static float[] Logits(T5Model model, int[][] inputs, int[][] mask, int[][] decoded)
    {
        using var scope = torch.NewDisposeScope();
        using var noGrad = torch.no_grad();
        using var batch = new PaddedBatch(Ids(inputs), Ids(mask));
        var hidden = model.DecodeHidden(Ids(decoded), model.Encode(batch.Ids, batch.Mask), batch.Mask);
        return model.Logits(hidden).data<float>().ToArray();
    }

    /// <summary>int64 [rows, columns].</summary>
    public static torch.Tensor Ids(int[][] rows) =>
        torch.tensor(rows.SelectMany(r => r).Select(t => (long)t).ToArray(), [rows.Length, rows[0].Length]);

    private static JsonArray Rows(IEnumerable<int[]> rows) =>
        [.. rows.Select(r => (JsonNode?)new JsonArray([.. r.Select(v => (JsonNode?)v)]))];

    private static (int Code, string Output, string Errors) Start(string program, IEnumerable<string> arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        // Nothing is to be looked up elsewhere.
        (start.Environment["HF_HUB_OFFLINE"], start.Environment["TRANSFORMERS_OFFLINE"]) = ("1", "1");
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output, errors.Result);
    }
}
