using System.Diagnostics;
using System.Globalization;
using DistillOnnx.Benchmarks.Harness;
using DistillOnnx.Core.Bundles;

namespace DistillOnnx.Benchmarks.Inference;

/// <summary>Bytes on disk of a label's graph against those of encoder and decoder, and how long it takes to load.</summary>
internal static class StudentSize
{
    /// <summary>Reads the files' lengths and loads the label graph a few times.</summary>
    public static void Measure(BenchmarkResult result, SmallStudent student, BenchmarkOptions options)
    {
        const double megabyte = 1e6;
        var label = student.Bytes("fp32", BundleFiles.LabelModel);
        var merged = student.Bytes("fp32", BundleFiles.Encoder, BundleFiles.DecoderMerged);
        result.Row(("files", "label_model"), ("MB", label / megabyte));
        result.Row(("files", "label_model_int8"), ("MB", student.Bytes("int8", BundleFiles.LabelModel) / megabyte));
        result.Row(("files", "encoder_model + decoder_model_merged"), ("MB", merged / megabyte));
        result.Row(("files", "all full-precision graphs"), ("MB", student.Manifest.PrecisionDetails["fp32"].Bytes / megabyte));
        result.Ratio("label_bytes_over_seq2seq_bytes", (double)label / merged);
        if (student.Manifest.LabelModel is { } facts)
        {
            result.Note(string.Create(
                CultureInfo.InvariantCulture,
                $"The label graph holds {facts.DecoderPositions} decoder position(s) where greedy decoding takes "
                + $"{facts.GreedyPositions}, {facts.VocabularyRows} of {facts.FullVocabularyRows} rows of lm_head, and "
                + $"{facts.DecoderBytes / megabyte:0.0} MB of the decoder's and lm_head's {facts.FullDecoderBytes / megabyte:0.0} MB."));
        }

        var loads = new List<double>();
        for (var i = 0; i < (options.Quick ? 1 : 5); i++)
        {
            var start = Stopwatch.GetTimestamp();
            using var bundle = student.Open(options.Threads);
            bundle.LabelModel();
            loads.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
        }

        result.Row(("loading", "manifest, tokenizer and label_model"), ("ms", Timing.Of(loads).Median));
    }
}
