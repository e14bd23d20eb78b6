using System.Diagnostics;
using System.Globalization;

namespace DistillOnnx.Core.Tests.Tokenization;

/// <summary>SentencePiece's own encoder, where it is installed (Debian: <c>apt-get install sentencepiece</c>).</summary>
internal static class SpmEncode
{
    /// <summary>Ids of each line; skips the test where <c>spm_encode</c> is not on the path.</summary>
    public static int[][] Run(string modelFile, IReadOnlyList<string> lines)
    {
        var program = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
            .Select(d => Path.Combine(d, "spm_encode")).FirstOrDefault(File.Exists);
        Assert.SkipUnless(program is not null, "spm_encode is not on the PATH; it comes with SentencePiece");
        var input = Path.GetTempFileName();
        try
        {
            File.WriteAllText(input, string.Join('\n', lines) + "\n");
            var start = new ProcessStartInfo(program, ["--model=" + modelFile, "--output_format=id", input])
            {
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            };
            using var process = Process.Start(start)!;
            process.ErrorDataReceived += (_, _) => { };
            process.BeginErrorReadLine();
            var output = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            Assert.Equal(0, process.ExitCode);
            return
            [
                .. output.Split('\n')[..^1].Select(l =>
                    l.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(i => int.Parse(i, CultureInfo.InvariantCulture)).ToArray()),
            ];
        }
        finally
        {
            File.Delete(input);
        }
    }
}
