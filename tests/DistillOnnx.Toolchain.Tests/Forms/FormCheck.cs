using System.Text.Json.Nodes;
using DistillOnnx.Checkpoints;
using DistillOnnx.Core.Prediction;
using DistillOnnx.Core.T5;
using DistillOnnx.Core.Tasks;
using DistillOnnx.Core.Tokenization;
using DistillOnnx.Runtime;
using DistillOnnx.Runtime.Generation;
using DistillOnnx.Stages.Reporting;
using DistillOnnx.TestSupport;
using DistillOnnx.Toolchain.Export;
using DistillOnnx.Training.Generation;
using DistillOnnx.Training.T5;
using TorchSharp;

namespace DistillOnnx.Toolchain.Tests.Forms;

/// <summary>
/// Holds a checkpoint in TorchSharp, and all graphs that are exported of it, against T5 written in loops: logits, label
/// probabilities, greedy ids. Graphs are held against TorchSharp by the export's own gate, to the half of the tolerance each.
/// </summary>
internal static class FormCheck
{
    private const double Tolerance = 1e-4;
    private const int MostTokens = 8;
    private const int Beams = 3;

    /// <summary>What is asked.</summary>
    public static readonly string[] Texts = ["yes", "it is not and may be", "the {x} is 4, not a <ORG>"];

    /// <summary>The task of the labels that are scored.</summary>
    public static TaskSpec Task { get; } = new() { Name = "tiny", Kind = TaskKind.Labels, Labels = ["yes", "yesno", "no", "maybe"] };

    /// <summary>Checks a checkpoint.</summary>
    /// <param name="directory">The checkpoint.</param>
    /// <param name="config">The shape that it must have.</param>
    /// <param name="tensors">The weights that it must have.</param>
    /// <param name="output">Where the bundle is to be written.</param>
    public static async Task RunAsync(string directory, T5Config config, ITensorSource tensors, string output)
    {
        var cancellation = TestContext.Current.CancellationToken;
        var reference = new ReferenceT5(config, tensors);
        using var checkpoint = Checkpoint.Open(directory);
        using var model = T5Model.Load(checkpoint);
        model.eval();
        var encoder = new InputEncoder(T5Tokenizer.Load(checkpoint.Place.TokenizerDirectory), Task);
        var inputs = Texts.Select(t => encoder.EncodeInput(t, out _)).ToArray();
        AssertLogits(model, reference, inputs);

        var result = await ExportAsync(directory, output);
        string[] merged = ["first", "whole", "with_past"];
        Assert.Equal(
            [
                "decoder_model", .. merged.Select(m => $"decoder_model_merged/{m}"),
                "decoder_with_past_model", "encoder_model", "label_model",
            ],
            result.Parity!.Graphs.Keys.Order(StringComparer.Ordinal));

        var labels = Task.Labels!.Select(l => (IReadOnlyList<int>)encoder.EncodeLabel(l)).ToArray();
        var expected = inputs.Select(i => reference.LabelLogProbabilities(i, labels)).ToArray();
        var rows = Texts.Select(t => new PredictorInput(t)).ToArray();
        AssertLabels(expected, new StudentPredictor(model, encoder).Predict(rows, cancellation));
        var greedy = inputs.Select(i => Greedy(config, reference, i)).ToArray();
        IReadOnlyList<int[]> beams;
        using (var batch = PaddedBatch.Create(inputs, config.PadTokenId, torch.CPU))
        {
            Assert.Equal(greedy, new StudentGenerator(model).Greedy(batch, MostTokens, cancellation));
            beams = new StudentGenerator(model).Beam(batch, Beams, MostTokens, cancellation);
        }

        // The merged decoder first, then the two that it was made of.
        foreach (var pair in (bool[])[false, true])
        {
            if (pair) File.Delete(Path.Combine(output, "onnx", "decoder_model_merged.onnx"));
            foreach (var graph in (GraphChoice[])[GraphChoice.Label, GraphChoice.Decoder])
            {
                using var predictor = BundlePredictor.Open(output, new RuntimeOptions { Device = "cpu", Threads = 1, Graph = graph });
                AssertLabels(expected, predictor.Predict(rows, cancellation));
            }

            using var bundle = Bundle.Open(output, new RuntimeOptions { Device = "cpu", Threads = 1 });
            Assert.Equal(inputs, Texts.Select(t => bundle.Encoder.EncodeInput(t, out _)));
            var limit = new GenerationOptions { MaxNewTokens = MostTokens };
            Assert.Equal(greedy, bundle.TextGenerator().Generate(inputs, limit, cancellation));
            Assert.Equal(beams, bundle.TextGenerator().Generate(inputs, limit with { Beams = Beams }, cancellation));
        }
    }

    /// <summary>Exports a checkpoint; every graph is held to half of the tolerance.</summary>
    public static Task<ExportResult> ExportAsync(string directory, string output)
    {
        var task = Directory.CreateDirectory(output + "-task").FullName;
        Task.Save(task);
        var options = new ExportOptions { Model = directory, Out = output, Task = Path.Combine(task, "task.json"), Threads = 1 };
        return BundleExport.RunAsync(
            options with { MaxRelativeError = Tolerance / 2 }, Reporter.None, TestContext.Current.CancellationToken);
    }

    private static void AssertLogits(T5Model model, ReferenceT5 reference, int[][] inputs)
    {
        using var scope = torch.NewDisposeScope();
        using var noGrad = torch.no_grad();
        using var batch = PaddedBatch.Create(inputs, model.Config.PadTokenId, torch.CPU);
        int[] decoded = [model.Config.DecoderStartTokenId, 9, 4, 20, 7, 7, 30];
        var rows = Enumerable.Repeat(decoded, inputs.Length).SelectMany(d => d).Select(t => (long)t).ToArray();
        var ids = torch.tensor(rows, [inputs.Length, decoded.Length]);
        var found = model.Logits(model.DecodeHidden(ids, model.Encode(batch.Ids, batch.Mask), batch.Mask)).data<float>().ToArray();
        var expected = inputs.SelectMany(i => reference.Decode(decoded, reference.Encode(i))).SelectMany(r => r).ToArray();
        Assert.Equal(expected.Length, found.Length);
        var error = expected.Zip(found, (e, f) => Math.Abs(e - f)).Max() / expected.Max(Math.Abs);
        Assert.True(error <= Tolerance / 2, $"logits differ by {error:g3} of the largest");
    }

    private static void AssertLabels(double[][] expected, IReadOnlyList<LabelPrediction> answers)
    {
        foreach (var (scores, answer) in expected.Zip(answers))
        {
            Assert.Equal(Task.Labels![Array.IndexOf(scores, scores.Max())], answer.Label);
            foreach (var (e, f) in scores.Zip(answer.RawLogProbabilities!))
                Assert.InRange(Math.Abs(e - f), 0, Tolerance * Math.Max(1, Math.Abs(e)));
        }
    }

    private static int[] Greedy(T5Config config, ReferenceT5 reference, int[] input)
    {
        var encoded = reference.Encode(input);
        List<int> ids = [config.DecoderStartTokenId];
        int[] ends = config.ToJson()["eos_token_id"] is JsonArray list ? [.. list.Select(e => (int)e!)] : [config.EosTokenId];
        while (ids.Count <= MostTokens && (ids.Count == 1 || !ends.Contains(ids[^1])))
        {
            var logits = reference.Decode(ids, encoded)[^1];
            ids.Add(Array.IndexOf(logits, logits.Max()));
        }

        return [.. ids.Skip(1)];
    }
}
