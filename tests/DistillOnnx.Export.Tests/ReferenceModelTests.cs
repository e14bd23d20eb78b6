using System.Text.Json;
using DistillOnnx.Core.Bundles;
using DistillOnnx.Stages.Reporting;
using DistillOnnx.TestSupport;

namespace DistillOnnx.Export.Tests;

/// <summary>Bundles of the reference models against what the reference implementation computed with them.</summary>
public sealed class ReferenceModelTests
{
    public static TheoryData<string, bool> Models() => new()
    {
        { "t5-v1.0-tiny", false }, { "t5-v1.1-tiny", false }, { "t5-v1.0-tiny-fit", false }, { "t5-v1.1-tiny", true },
    };

    [Theory, MemberData(nameof(Models))]
    public void Bundle_ReferenceInputs_EqualReferenceOutputs(string name, bool portable)
    {
        var model = SharedData.Require($"reference/{name}");
        using var json = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(model, "reference.json")));
        var golden = json.RootElement;
        using var bundle = new TemporaryBundle(new BundleExportOptions { Model = model, Portable = portable });
        var (ids, shape) = Longs(golden.GetProperty("input_ids"));
        var mask = Longs(golden.GetProperty("attention_mask")).Values;
        using var encoder = bundle.Open(BundleFiles.Encoder);
        using var decoder = bundle.Open(BundleFiles.Decoder);

        var states = encoder.Run(("input_ids", ids, shape), ("attention_mask", mask, shape))["last_hidden_state"];
        // What stands at padding is nobody's business.
        var width = (int)states.Shape[2];
        Near(
            Floats(golden.GetProperty("encoder_output")).Where((_, i) => mask[i / width] == 1),
            states.Values.Where((_, i) => mask[i / width] == 1));
        var (decoderIds, decoderShape) = Longs(golden.GetProperty("decoder_input_ids"));
        var logits = decoder.Run(
            ("encoder_attention_mask", mask, shape), ("input_ids", decoderIds, decoderShape),
            ("encoder_hidden_states", states.Values, states.Shape))["logits"];
        Near(Floats(golden.GetProperty("logits")), logits.Values);

        // Two hundred and a hundred and fifty positions: past the last bucket.
        var distant = golden.GetProperty("long");
        (ids, shape) = Longs(distant.GetProperty("input_ids"));
        mask = [.. ids.Select(_ => 1L)];
        states = encoder.Run(("input_ids", ids, shape), ("attention_mask", mask, shape))["last_hidden_state"];
        Near(Floats(distant.GetProperty("encoder_last_row")), states.Values.TakeLast(width));
    }

    [Theory, InlineData("fp32"), InlineData("fp16"), InlineData("int8"), InlineData("q4")]
    public void MergedDecoder_GreedyFromFittedModel_GivesReferenceIds(string precision)
    {
        var model = SharedData.Require("reference/t5-v1.0-tiny-fit");
        using var json = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(model, "reference.json")));
        using var bundle = new TemporaryBundle(new BundleExportOptions { Model = model, Precision = [precision] });
        var (ids, shape) = Longs(json.RootElement.GetProperty("input_ids"));
        var mask = Longs(json.RootElement.GetProperty("attention_mask")).Values;
        using var encoder = bundle.Open(BundleFiles.Encoder, precision);
        using var merged = bundle.Open(BundleFiles.DecoderMerged, precision);
        var states = encoder.Run(("input_ids", ids, shape), ("attention_mask", mask, shape))["last_hidden_state"];

        var (wanted, wantedShape) = Longs(json.RootElement.GetProperty("greedy").GetProperty("ids"));
        var (rows, steps) = ((int)wantedShape[0], (int)wantedShape[1]);
        var next = new long[rows];
        var ended = new bool[rows];
        Dictionary<string, OnnxGraph.Tensor>? first = null, last = null;
        for (var step = 1; step < steps; step++)
        {
            var inputs = new List<(string, Array, long[])>
            {
                ("encoder_attention_mask", mask, shape), ("input_ids", next, [rows, 1]),
                ("encoder_hidden_states", states.Values, states.Shape), ("use_cache_branch", new[] { step > 1 }, [1]),
            };
            foreach (var past in merged.Inputs.Keys.Where(k => k.StartsWith("past_key_values", StringComparison.Ordinal)))
            {
                var source = past.Contains(".encoder.", StringComparison.Ordinal) ? first : last;
                var value = source?[past.Replace("past_key_values", "present", StringComparison.Ordinal)];
                inputs.Add((past, value?.Values ?? [], value?.Shape ?? [rows, 4, 0, 16]));
            }

            last = merged.Run([.. inputs]);
            first ??= last;
            var vocabulary = (int)last["logits"].Shape[2];
            for (var row = 0; row < rows; row++)
            {
                var logits = last["logits"].Values.AsSpan(row * vocabulary, vocabulary);
                next[row] = ended[row] ? 0 : System.Numerics.Tensors.TensorPrimitives.IndexOfMax(logits);
                ended[row] |= next[row] == 1;
                Assert.Equal(wanted[(row * steps) + step], next[row]);
            }
        }
    }

    private static (long[] Values, long[] Shape) Longs(JsonElement rows) =>
        ([.. rows.EnumerateArray().SelectMany(r => r.EnumerateArray().Select(v => v.GetInt64()))],
            [rows.GetArrayLength(), rows[0].GetArrayLength()]);

    private static IEnumerable<double> Floats(JsonElement element) =>
        element.ValueKind == JsonValueKind.Number ? [element.GetDouble()] : element.EnumerateArray().SelectMany(Floats);

    private static void Near(IEnumerable<double> wanted, IEnumerable<float> found)
    {
        var (expected, actual) = (wanted.ToArray(), found.ToArray());
        Assert.Equal(expected.Length, actual.Length);
        var worst = expected.Zip(actual, (e, a) => Math.Abs(e - a)).Max() / expected.Max(Math.Abs);
        Assert.True(worst <= 1e-4, $"differs by {worst:g3} of the largest value");
    }

    /// <summary>A bundle in a directory that is deleted on disposal.</summary>
    private sealed class TemporaryBundle : IDisposable
    {
        private readonly string _parent = System.IO.Directory.CreateTempSubdirectory("distillonnx-bundle-").FullName;

        public TemporaryBundle(BundleExportOptions options)
        {
            BundleExporter.Export(options with { Out = Directory }, Reporter.None, TestContext.Current.CancellationToken);
        }

        private string Directory => Path.Combine(_parent, "bundle");

        public OnnxGraph Open(string graph, string precision = "fp32") =>
            OnnxGraph.Open(Path.Combine(Directory, BundleFiles.Graph(graph, precision)));

        public void Dispose() => System.IO.Directory.Delete(_parent, recursive: true);
    }
}
