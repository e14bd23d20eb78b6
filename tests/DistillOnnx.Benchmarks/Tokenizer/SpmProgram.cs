using System.Diagnostics;
using DistillOnnx.TestSupport;

namespace DistillOnnx.Benchmarks.Tokenizer;

/// <summary>SentencePiece's command-line encoder.</summary>
internal sealed class SpmProgram
{
    private readonly string _path;

    private SpmProgram(string path) => _path = path;

    /// <summary>Looks on the PATH; null where it is not installed.</summary>
    public static SpmProgram? Find() => ProgramPath.Find("spm_encode") is { } path ? new SpmProgram(path) : null;

    /// <summary>Encodes a file's lines to ids.</summary>
    /// <param name="model">The model's file.</param>
    /// <param name="input">Text, a line each.</param>
    /// <param name="output">Ids, a line each.</param>
    public void Run(string model, string input, string output)
    {
        using var process = Process.Start(new ProcessStartInfo(
            _path, ["--model=" + model, "--output_format=id", "--output=" + output, input]))!;
        process.WaitForExit();
        if (process.ExitCode != 0) throw new InvalidOperationException($"spm_encode ended with {process.ExitCode}");
    }
}
