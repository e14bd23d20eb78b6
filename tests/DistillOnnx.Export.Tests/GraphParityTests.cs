using DistillOnnx.Checkpoints;
using DistillOnnx.Core.Bundles;
using DistillOnnx.Core.Labels;
using DistillOnnx.Export.T5;
using DistillOnnx.Export.Weights;
using DistillOnnx.TestSupport;

namespace DistillOnnx.Export.Tests;

/// <summary>Every graph, in every form, against T5 written in loops, for all variants of the model.</summary>
public sealed class GraphParityTests
{
    private const double Tolerance = 1e-4;

    public static TheoryData<string, bool> Forms()
    {
        var data = new TheoryData<string, bool>();
        foreach (var variant in TinyCheckpoint.Variants.Keys)
        {
            data.Add(variant, true);
            data.Add(variant, false);
        }

        return data;
    }

    /// <summary>
    /// Sets whose tries differ: one branching at the start; branchings below; one below a shared beginning; a single token each.
    /// </summary>
    private static IReadOnlyList<int[][]> LabelSets { get; } =
    [
        [[10, 11, 1], [12, 1], [9, 13, 14, 1]],
        [[10, 11, 1], [10, 12, 1], [9, 1], [9, 13, 1], [9, 13, 14, 15, 1]],
        [[20, 21, 22, 1], [20, 21, 23, 1]],
        [[30, 1], [5, 1]],
        // More positions than any head of the variants is wide: cross-attention that projects instead of folding.
        [.. Enumerable.Range(3, 20).SelectMany(i => (int[][])[[i, 30, 1], [i, 31, 1]])],
    ];

    [Theory, MemberData(nameof(Forms))]
    public void Encoder_PaddedBatch_EqualsReference(string variant, bool portable)
    {
        using var model = new Model(variant);
        using var graph = OnnxGraph.Of(T5Graphs.Encoder(model.Weights, new GraphForm { Portable = portable }));
        var batch = Batch.Random(7, model.Config.VocabSize, 19, 4, 11);
        var states = graph.Run(("input_ids", batch.Ids, batch.Shape), ("attention_mask", batch.Mask, batch.Shape))["last_hidden_state"];
        Assert.Equal([3, 19, model.Config.DModel], states.Shape);
        for (var row = 0; row < 3; row++)
            Near(model.Reference.Encode(batch.Rows[row]).SelectMany(r => r), states.Values.Skip(row * 19 * model.Config.DModel));
    }

    /// <summary>Inner values whose rows would lie whole pages apart have columns of zeros beside them.</summary>
    [Theory]
    [InlineData("v1.0", true)]
    [InlineData("v1.0", false)]
    [InlineData("v1.1", true)]
    [InlineData("v1.1", false)]
    [InlineData("gelu", false)]
    public void Encoder_InnerRowsWholePagesApart_ArePaddedAndEqualReference(string variant, bool portable)
    {
        using var model = new Model(TinyCheckpoint.Variants[variant] with { DFf = 1024 });
        var form = new GraphForm { Portable = portable };
        var batch = Batch.Random(7, model.Config.VocabSize, 9, 4);
        var encoder = T5Graphs.Encoder(model.Weights, form);
        Assert.Equal(model.Config.NumLayers * (model.Config.IsGated ? 3 : 2), encoder.Constants.Keys.Count(IsPadded));
        Assert.DoesNotContain(T5Graphs.Decoder(model.Weights, form).Constants.Keys, IsPadded);
        using var graph = OnnxGraph.Of(encoder);
        var states = graph.Run(("input_ids", batch.Ids, batch.Shape), ("attention_mask", batch.Mask, batch.Shape))["last_hidden_state"];
        for (var row = 0; row < 2; row++)
            Near(model.Reference.Encode(batch.Rows[row]).SelectMany(r => r), states.Values.Skip(row * 9 * model.Config.DModel));

        static bool IsPadded(string name) => name.EndsWith(".padded", StringComparison.Ordinal);
    }

    [Theory, MemberData(nameof(Forms))]
    public void Decoders_StepByStep_EqualReference(string variant, bool portable)
    {
        using var model = new Model(variant);
        var form = new GraphForm { Portable = portable };
        using var first = OnnxGraph.Of(T5Graphs.Decoder(model.Weights, form));
        using var later = OnnxGraph.Of(T5Graphs.DecoderWithPast(model.Weights, form));
        using var merged = OnnxGraph.Of(T5Graphs.DecoderMerged(model.Weights, form));
        var input = Batch.Random(8, model.Config.VocabSize, 6, 15);
        var output = Batch.Random(9, model.Config.VocabSize, 14, 14);
        var encoded = input.Rows.Select(model.Reference.Encode).ToArray();
        var wanted = output.Rows.Select((r, i) => model.Reference.Decode(r, encoded[i])).ToArray();
        var states = new float[2 * 15 * model.Config.DModel];
        for (var row = 0; row < 2; row++)
        {
            var flat = encoded[row].SelectMany(r => r).Select(v => (float)v).ToArray();
            flat.CopyTo(states, row * 15 * model.Config.DModel);
        }

        var mask = ("encoder_attention_mask", (Array)input.Mask, input.Shape);
        var hidden = ("encoder_hidden_states", (Array)states, new long[] { 2, 15, model.Config.DModel });

        var whole = first.Run(mask, ("input_ids", output.Ids, output.Shape), hidden);
        Assert.Equal([2, 14, model.Config.VocabSize], whole["logits"].Shape);
        Near(wanted.SelectMany(w => w).SelectMany(r => r), whole["logits"].Values);

        // A beginning of five, then the rest in steps of unequal length, by the two graphs and by both branches of the one.
        foreach (var graph in (OnnxGraph[])[later, merged])
        {
            var cuts = new[] { 0, 5, 6, 9, 14 };
            Dictionary<string, OnnxGraph.Tensor>? cross = null, self = null;
            for (var step = 0; step + 1 < cuts.Length; step++)
            {
                var (from, to) = (cuts[step], cuts[step + 1]);
                var ids = (
                    "input_ids", (Array)output.Rows.SelectMany(r => r[from..to]).Select(t => (long)t).ToArray(),
                    new long[] { 2, to - from });
                var inputs = new List<(string, Array, long[])> { mask, ids };
                if (graph == merged) inputs.AddRange([hidden, ("use_cache_branch", new[] { step > 0 }, [1])]);
                if (step == 0)
                {
                    if (graph == merged) inputs.AddRange(Empty(model));
                    self = cross = graph == merged ? merged.Run([.. inputs]) : first.Run(mask, ids, hidden);
                }
                else
                {
                    for (var block = 0; block < model.Config.NumDecoderLayers; block++)
                    {
                        foreach (var what in (string[])["key", "value"])
                        {
                            inputs.Add((
                                $"past_key_values.{block}.decoder.{what}", self![$"present.{block}.decoder.{what}"].Values,
                                self[$"present.{block}.decoder.{what}"].Shape));
                            inputs.Add((
                                $"past_key_values.{block}.encoder.{what}", cross![$"present.{block}.encoder.{what}"].Values,
                                cross[$"present.{block}.encoder.{what}"].Shape));
                        }
                    }

                    self = graph.Run([.. inputs]);
                }

                Near(wanted.SelectMany(w => w[from..to]).SelectMany(r => r), self["logits"].Values);
                Assert.Equal([2, model.Config.NumHeads, to, model.Config.DKv], self["present.0.decoder.key"].Shape);
            }
        }
    }

    [Theory, MemberData(nameof(Forms))]
    public void LabelModel_EveryTrie_EqualsConstrainedDecoding(string variant, bool portable)
    {
        using var model = new Model(variant);
        var batch = Batch.Random(11, model.Config.VocabSize, 9, 2, 16);
        foreach (var labels in LabelSets)
        {
            using var graph = OnnxGraph.Of(T5Graphs.Labels(model.Weights, new GraphForm { Portable = portable }, Plan(labels, model)));
            var scores = graph.Run(("input_ids", batch.Ids, batch.Shape), ("attention_mask", batch.Mask, batch.Shape))["label_log_probs"];
            Assert.Equal([3, labels.Length], scores.Shape);
            Near(batch.Rows.SelectMany(r => model.Reference.LabelLogProbabilities(r, labels)), scores.Values);
        }
    }

    [Theory, MemberData(nameof(Forms))]
    public void ChoiceModel_TriesThatDiffer_EqualsConstrainedDecoding(string variant, bool portable)
    {
        using var model = new Model(variant);
        var batch = Batch.Random(12, model.Config.VocabSize, 9, 2, 16, 7, 5);
        using var graph = OnnxGraph.Of(T5Graphs.Choices(model.Weights, new GraphForm { Portable = portable }));
        var tries = ChoiceInputs.Create([.. LabelSets.Select(l => Plan(l, model))]);
        var rows = LabelSets.Count;
        var scores = graph.Run(
            ("input_ids", batch.Ids, batch.Shape), ("attention_mask", batch.Mask, batch.Shape),
            ("trie_tokens", tries.TrieTokens, [rows, tries.Positions]), ("trie_depths", tries.TrieDepths, [rows, tries.Positions]),
            ("trie_visible", tries.TrieVisible, [rows, tries.Positions, tries.Positions]),
            ("branch_positions", tries.BranchPositions, [rows, tries.Branchings]),
            ("branch_tokens", tries.BranchTokens, [rows, tries.Branchings, tries.Children]),
            ("label_steps", tries.LabelSteps, [rows, tries.Labels, tries.Steps]))["label_log_probs"];
        Assert.Equal([rows, tries.Labels], scores.Shape);
        for (var row = 0; row < rows; row++)
        {
            var wanted = model.Reference.LabelLogProbabilities(batch.Rows[row], LabelSets[row]);
            Near(wanted, scores.Values.Skip(row * tries.Labels));
            Assert.All(
                scores.Values.Skip((row * tries.Labels) + wanted.Length).Take(tries.Labels - wanted.Length), v => Assert.True(v <= -1e9f));
        }
    }

    private static LabelPlan Plan(int[][] labels, Model model) =>
        LabelPlan.Create(LabelTrie.Build(labels, [.. labels.Select((_, i) => $"label {i}")]), model.Config.DecoderStartTokenId);

    private static IEnumerable<(string, Array, long[])> Empty(Model model)
    {
        for (var block = 0; block < model.Config.NumDecoderLayers; block++)
        {
            foreach (var name in (string[])["decoder.key", "decoder.value", "encoder.key", "encoder.value"])
                yield return ($"past_key_values.{block}.{name}", Array.Empty<float>(), [2, model.Config.NumHeads, 0, model.Config.DKv]);
        }
    }

    private static void Near(IEnumerable<double> wanted, IEnumerable<float> found)
    {
        var expected = wanted.ToArray();
        var actual = found.Take(expected.Length).ToArray();
        Assert.Equal(expected.Length, actual.Length);
        var scale = expected.Max(Math.Abs);
        var worst = expected.Zip(actual, (e, a) => Math.Abs(e - a)).Max();
        Assert.True(worst <= Tolerance * scale, $"differs by {worst / scale:g3} of the largest value");
    }

    private sealed class Model : IDisposable
    {
        private readonly TinyCheckpoint _files;
        private readonly Checkpoint _checkpoint;

        public Model(string variant)
            : this(TinyCheckpoint.Variants[variant])
        {
        }

        public Model(Core.T5.T5Config config)
        {
            _files = TinyCheckpoint.Create(config);
            _checkpoint = Checkpoint.Open(_files.Directory);
            Weights = new T5Weights(_checkpoint.Config, _checkpoint.Tensors);
            Reference = new ReferenceT5(_checkpoint.Config, _checkpoint.Tensors);
        }

        public T5Weights Weights { get; }

        public ReferenceT5 Reference { get; }

        public Core.T5.T5Config Config => Weights.Config;

        public void Dispose()
        {
            _checkpoint.Dispose();
            _files.Dispose();
        }
    }
}
