using DistillOnnx.Checkpoints;
using DistillOnnx.Core.Bundles;
using DistillOnnx.Core.Labels;
using DistillOnnx.Core.Tasks;
using DistillOnnx.Export.T5;
using DistillOnnx.Export.Weights;

namespace DistillOnnx.Export;

/// <summary>Works out what a label model holds of its student's decoder.</summary>
internal static class LabelFootprint
{
    /// <summary>Measures the full-precision form, whatever precisions a bundle has.</summary>
    public static LabelModelFacts Measure(TaskKind kind, LabelPlan? plan, LabelTrie? trie, T5Weights weights)
    {
        var config = weights.Config;
        var form = new GraphForm();
        var label = plan is null ? T5Graphs.Choices(weights, form) : T5Graphs.Labels(weights, form, plan);
        var encoder = T5Graphs.Encoder(weights, form);
        var decoderBytes = label.Constants.Where(c => !encoder.Constants.ContainsKey(c.Key)).Sum(c => c.Value.ByteCount);
        var fullBytes = T5Layout.Enumerate(config)
            .Where(t => t.Name.StartsWith("decoder.", StringComparison.Ordinal) || t.Name == T5TensorNames.LmHead)
            .Sum(t => t.ByteCount);
        // A tied lm_head is the embedding, which the decoder reads as well.
        if (config.TieWordEmbeddings) fullBytes += 4L * config.VocabSize * config.DModel;
        return new LabelModelFacts
        {
            Kind = kind,
            DecoderPositions = plan?.Tokens.Count,
            GreedyPositions = trie?.Nodes.Max(n => n.Depth) + 1,
            VocabularyRows = plan?.Children.Sum(c => c.Count) ?? config.VocabSize,
            FullVocabularyRows = config.VocabSize,
            DecoderBytes = decoderBytes,
            FullDecoderBytes = fullBytes,
        };
    }
}
