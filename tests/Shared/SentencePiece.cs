using System.Diagnostics;
using System.Globalization;

namespace DistillOnnx.TestSupport;

/// <summary>SentencePiece's own programs, where they are installed (Debian: <c>apt-get install sentencepiece</c>).</summary>
internal static class SentencePiece
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(5);

    /// <summary>Ids of each line; skips the test where <c>spm_encode</c> is not on the path.</summary>
    /// <param name="modelFile">The model.</param>
    /// <param name="lines">Texts without line feeds.</param>
    public static int[][] Encode(string modelFile, IReadOnlyList<string> lines) =>
    [
        .. Run("spm_encode", modelFile, ["--output_format=id"], lines).Select(l =>
            l.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(i => int.Parse(i, CultureInfo.InvariantCulture)).ToArray()),
    ];

    /// <summary>Text of each row of ids; skips the test where <c>spm_decode</c> is not on the path.</summary>
    /// <param name="modelFile">The model.</param>
    /// <param name="rows">Ids within the model.</param>
    public static string[] Decode(string modelFile, IReadOnlyList<IReadOnlyList<int>> rows) =>
        Run("spm_decode", modelFile, ["--input_format=id"], [.. rows.Select(r => string.Join(' ', r))]);

    private static string[] Run(string program, string modelFile, string[] options, IReadOnlyList<string> lines)
    {
        var path = ProgramPath.Find(program);
        Assert.SkipUnless(path is not null, $"{program} is not on the PATH; it comes with SentencePiece");
        var input = Path.GetTempFileName();
        try
        {
            File.WriteAllText(input, string.Concat(lines.Select(l => l + "\n")));
            var start = new ProcessStartInfo(path, ["--model=" + modelFile, .. options, input])
            {
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            };
            using var process = Process.Start(start)!;
            process.ErrorDataReceived += (_, _) => { };
            process.BeginErrorReadLine();
            var output = process.StandardOutput.ReadToEndAsync();
            Assert.True(output.Wait(Limit, TestContext.Current.CancellationToken), $"{program} took longer than {Limit}");
            process.WaitForExit();
            Assert.Equal(0, process.ExitCode);
            return output.Result.Split('\n')[..^1];
        }
        finally
        {
            File.Delete(input);
        }
    }
}
