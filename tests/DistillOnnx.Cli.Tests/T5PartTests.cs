namespace DistillOnnx.Cli.Tests;

/// <summary>Holds that T5 has the same part files in training and in export, so that the two can be read side by side.</summary>
public sealed class T5PartTests
{
    // The files that one of the two has alone, each with the reason.
    private static readonly Dictionary<string, string> Exceptions = new(StringComparer.Ordinal)
    {
        ["Training/InferenceScope"] = "a graph has no gradients and no dropout",
        ["Training/PaddedBatch"] = "a graph's inputs are padded by who runs it",
        ["Training/ParameterArena"] = "the memory of weights that an optimizer updates",
        ["Training/T5Initializer"] = "a graph has a checkpoint's weights",
        ["Training/T5Modules"] = "names of parameters in the tree of modules",
        ["Training/T5Precision"] = "in export the precision is a part of GraphForm",
        ["Training/T5WeightTransfer"] = "weights between a model's memory and files",
        ["Export/GraphForm"] = "how a graph is written",
        ["Export/LabelStart"] = "what a label graph's decoder computes at export",
        ["Export/QuantizedRows"] = "in training nothing is computed in eight bits",
        ["Export/RowFunctions"] = "in training nothing is computed in eight bits",
        ["Export/ScaledRows"] = "in training nothing is computed in eight bits",
        ["Export/T5Choices"] = "in training one method scores both kinds of closed sets",
        ["Export/T5Context"] = "the graph that all parts add to",
        ["Export/T5FoldedAttention"] = "faster in label graphs alone",
        ["Export/T5Graphs"] = "the inputs and outputs of graph files",
    };

    [Fact]
    public void PartFiles_OfTrainingAndExport_HaveTheSameNames()
    {
        var (training, export) = (Parts("Training"), Parts("Export"));

        var single = training.Except(export).Select(p => "Training/" + p).Concat(export.Except(training).Select(p => "Export/" + p));

        Assert.Equal(Exceptions.Keys.Order(StringComparer.Ordinal), single.Order(StringComparer.Ordinal));
        Assert.Superset(new HashSet<string> { "T5Attention", "T5Block", "T5FeedForward", "T5LayerNorm", "T5Linear", "T5Stack" }, training);
    }

    private static HashSet<string> Parts(string project) =>
        [.. Directory.EnumerateFiles(Path.Combine(Repository.Root, "src", "DistillOnnx." + project, "T5"), "*.cs")
            .Select(f => Path.GetFileNameWithoutExtension(f))];
}
