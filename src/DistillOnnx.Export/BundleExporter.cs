using DistillOnnx.Checkpoints;
using DistillOnnx.Core;
using DistillOnnx.Core.Bundles;
using DistillOnnx.Core.Labels;
using DistillOnnx.Core.T5;
using DistillOnnx.Core.Tasks;
using DistillOnnx.Core.Tokenization;
using DistillOnnx.Export.Onnx;
using DistillOnnx.Export.T5;
using DistillOnnx.Export.Weights;
using DistillOnnx.Stages.IO;
using DistillOnnx.Stages.Reporting;

namespace DistillOnnx.Export;

/// <summary>Writes a checkpoint as a bundle: graphs, configuration, tokenizer and manifest. Needs neither Torch nor ONNX Runtime.</summary>
public static class BundleExporter
{
    /// <summary>Exports a checkpoint.</summary>
    /// <param name="options">What to write and where.</param>
    /// <param name="reporter">Receives the progress, graph by graph.</param>
    /// <param name="cancellationToken">Stops between graphs; nothing is left behind.</param>
    /// <exception cref="InputException">The options, the checkpoint or the task cannot be used, or the output cannot be
    /// written.</exception>
    public static BundleManifest Export(BundleExportOptions options, IReporter reporter, CancellationToken cancellationToken = default) =>
        Export(options, null, reporter, cancellationToken);

    /// <summary>Exports a checkpoint and lets the bundle be reviewed before it is put in place.</summary>
    /// <param name="options">What to write and where.</param>
    /// <param name="review">Checks the finished bundle, may change it, and refuses it by throwing; null: none.</param>
    /// <param name="reporter">Receives the progress, graph by graph.</param>
    /// <param name="cancellationToken">Stops between graphs; nothing is left behind.</param>
    /// <returns>The manifest as it was written.</returns>
    /// <exception cref="InputException">The options, the checkpoint or the task cannot be used, or the output cannot be
    /// written.</exception>
    public static BundleManifest Export(
        BundleExportOptions options, Action<BundleDraft>? review, IReporter reporter, CancellationToken cancellationToken = default)
    {
        var faults = options.Validate();
        if (faults.Count > 0) throw new InputException(string.Join("; ", faults));
        OutputDirectory.Require(options.Out, options.Overwrite, options.Model, options.Base, options.Task);
        using var checkpoint = Checkpoint.Open(options.Model, options.Base);
        foreach (var note in checkpoint.Notes) reporter.Info(note);
        var task = BundleTask.Load(options, checkpoint.Place);
        if (options.Graphs == GraphSet.Label && task.Kind == TaskKind.Text)
            throw new InputException($"{options.Model}: --graphs label needs a closed set of labels, found a task of kind \"text\"");

        var encoder = new InputEncoder(T5Tokenizer.Load(checkpoint.Place.TokenizerDirectory), task);
        if (encoder.Tokenizer.Note is { } unused) reporter.Info(unused);
        encoder.Tokenizer.RequireRows(checkpoint.Config.VocabSize, "\"vocab_size\"");
        encoder.Tokenizer.RequireTokensOf(checkpoint.Config, Path.Combine(checkpoint.Place.BaseDirectory, T5Config.FileName));

        foreach (var label in task.Labels?.Where(l => encoder.EncodeLabel(l).Contains(encoder.Tokenizer.UnkId)) ?? [])
            reporter.Warn(
                $"label \"{InputText.Show(label)}\" has characters without a piece in the tokenizer: it is scored as unknown text");

        var trie = task.Kind == TaskKind.Labels ? encoder.BuildTrie(task.Labels!) : null;
        var plan = trie is null ? null : LabelPlan.Create(trie, checkpoint.Config.DecoderStartTokenId);
        var weights = new T5Weights(checkpoint.Config, checkpoint.Tensors);

        using var output = OutputDirectory.Create(options.Out, options.Overwrite);
        CheckpointFiles.WriteConfig(output.Path, checkpoint.Config, checkpoint.Place.BaseDirectory);
        encoder.Tokenizer.Save(output.Path);
        var source = BundleTask.Source(checkpoint);
        var precisions = new Dictionary<string, BundlePrecision>(StringComparer.Ordinal);
        foreach (var name in options.Precision.Distinct(StringComparer.Ordinal))
        {
            var form = new GraphForm { Portable = options.Portable, Precision = GraphPrecisions.Parse(name) };
            var bytes = 0L;
            var names = new List<string>();
            var graphs = Graphs(options.Graphs, task.Kind, plan, weights, form);
            foreach (var (graph, build) in graphs)
            {
                cancellationToken.ThrowIfCancellationRequested();
                reporter.Progress("export", names.Count, graphs.Count, $"{graph} {name}");
                var metadata = new Dictionary<string, string>
                {
                    ["distillonnx.graph"] = graph,
                    ["distillonnx.precision"] = name,
                    ["distillonnx.checkpoint"] = source.Checkpoint,
                    ["distillonnx.task"] = task.Name,
                };
                if (graph == BundleFiles.LabelModel && task.Labels is { } labels)
                    metadata["distillonnx.labels"] = string.Join('\n', labels);
                var written = OnnxWriter.Write(
                    output.FilePath(BundleFiles.Graph(graph, name)), build(), metadata, options.ExternalDataThreshold);
                bytes += written.Sum(p => new FileInfo(p).Length);
                names.Add(graph);
            }

            precisions.Add(
                name,
                new BundlePrecision
                {
                    Graphs = names,
                    Bytes = bytes,
                    Description = GraphPrecisions.Describe(form.Precision, form.Portable),
                    RowsIndependent = true,
                });
        }

        var manifest = new BundleManifest
        {
            Producer = $"DistillOnnx {typeof(BundleExporter).Assembly.GetName().Version?.ToString(3)}",
            Task = task,
            Source = source,
            Portable = options.Portable,
            PrecisionDetails = precisions,
            LabelModel = options.Graphs == GraphSet.Seq2seq || task.Kind == TaskKind.Text
                ? null
                : LabelFootprint.Measure(task.Kind, plan, trie, weights),
        };
        manifest = Review(output.Path, manifest, checkpoint, review);
        cancellationToken.ThrowIfCancellationRequested();
        output.Commit();
        return manifest;
    }

    private static BundleManifest Review(string directory, BundleManifest manifest, Checkpoint checkpoint, Action<BundleDraft>? review)
    {
        if (review is not null)
        {
            // A reviewer opens the bundle as any runtime would: with its manifest.
            manifest.Save(directory);
            var draft = new BundleDraft(directory, manifest, checkpoint);
            review(draft);
            manifest = draft.Manifest;
        }

        manifest = manifest with { Files = BundleManifest.Hash(directory) };
        manifest.Save(directory);
        return manifest;
    }

    private static List<(string Name, Func<GraphBuilder> Build)> Graphs(
        GraphSet set, TaskKind kind, LabelPlan? plan, T5Weights weights, GraphForm form)
    {
        var graphs = new List<(string, Func<GraphBuilder>)>();
        if (set != GraphSet.Label)
        {
            graphs.Add((BundleFiles.Encoder, () => T5Graphs.Encoder(weights, form)));
            graphs.Add((BundleFiles.Decoder, () => T5Graphs.Decoder(weights, form)));
            graphs.Add((BundleFiles.DecoderWithPast, () => T5Graphs.DecoderWithPast(weights, form)));
            graphs.Add((BundleFiles.DecoderMerged, () => T5Graphs.DecoderMerged(weights, form)));
        }

        if (set == GraphSet.Seq2seq) return graphs;
        if (plan is not null) graphs.Add((BundleFiles.LabelModel, () => T5Graphs.Labels(weights, form, plan)));
        else if (kind == TaskKind.Choices) graphs.Add((BundleFiles.LabelModel, () => T5Graphs.Choices(weights, form)));
        return graphs;
    }
}
