using System.Diagnostics;
using System.Text.Json;
using DistillOnnx.Benchmarks.Harness;
using DistillOnnx.Benchmarks.Training;
using DistillOnnx.Core.T5;

namespace DistillOnnx.Benchmarks.Gpu;

/// <summary>transformers' T5 on the same device and the same lengths: <c>peer.py</c>.</summary>
internal static class Peer
{
    // What comes later than that is left out: to compile takes minutes on a slow processor.
    private const int SecondsToCompile = 100;

    /// <summary>
    /// Useful tokens a second in bf16, with shapes as they come, with one shape, and with one shape and a compiled model where that is
    /// compiled in time.
    /// </summary>
    /// <returns>Null where Python, torch or transformers is missing.</returns>
    public static async Task<(double Changing, double Repeating, double? Compiled)?> TokensPerSecondAsync(
        string preset, BenchmarkOptions options, CancellationToken cancellationToken)
    {
        var config = T5Presets.Load(preset);
        var (rows, _) = RowLengths.Esnli(options.SharedData, options.Quick ? 64 : 2048, config.VocabSize);
        var input = new
        {
            device = options.Device ?? "cuda:0",
            seconds = options.Quick ? 1 : 5,
            rows = options.Quick ? 8 : 64,
            compiling = SecondsToCompile,
            config = new
            {
                vocab_size = config.VocabSize,
                d_model = config.DModel,
                d_kv = config.DKv,
                d_ff = config.DFf,
                num_layers = config.NumLayers,
                num_decoder_layers = config.NumDecoderLayers,
                num_heads = config.NumHeads,
            },
            lengths = rows.SelectMany(r => r.Sequences).Select(s => new[] { s.Source.Length, s.Target.Length }),
        };
        var file = Path.GetTempFileName();
        try
        {
            await File.WriteAllTextAsync(file, JsonSerializer.Serialize(input), cancellationToken);
            using var process = Process.Start(new ProcessStartInfo(
                "python3", [Path.Combine(AppContext.BaseDirectory, "Gpu", "peer.py"), file])
            { RedirectStandardOutput = true })!;
            var output = await process.StandardOutput.ReadToEndAsync(cancellationToken);
            await process.WaitForExitAsync(cancellationToken);
            if (process.ExitCode != 0 || output.Trim().Split('\n')[^1] is not ['{', ..] last) return null;
            var answer = JsonDocument.Parse(last).RootElement;
            var compiled = answer.GetProperty("compiled");
            return (
                answer.GetProperty("changing").GetDouble(), answer.GetProperty("repeating").GetDouble(),
                compiled.ValueKind == JsonValueKind.Null ? null : compiled.GetDouble());
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return null;
        }
        finally
        {
            File.Delete(file);
        }
    }
}
