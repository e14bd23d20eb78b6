using System.Diagnostics;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using DistillOnnx.TestSupport;

namespace DistillOnnx.Cli.Tests;

/// <summary>
/// Runs the shell lines of the README, in their order and by a real shell, in a directory with small files under the names that the
/// README uses. What is replaced is listed here: sizes, so that it takes a minute, and addresses.
/// </summary>
public sealed partial class ReadmeRunTests
{
    private static readonly string[] Labels = ["bug", "question", "request"];
    private static readonly string[] Relations = ["entailment", "neutral", "contradiction"];

    // The two commands of a fresh machine: the first has tests of its own (QuickstartTests), the second runs this one. What is done with
    // packages changes the user's own settings: PackageTests does the same in folders of its own.
    private static readonly string[] RunElsewhere =
        ["scripts/quickstart", "scripts/test", "dotnet pack ", "dotnet nuget ", "dotnet tool ", "dotnet add "];

    [Fact(Timeout = 600_000)]
    public async Task ShellLines_OnSmallFiles_AllEndWell()
    {
        Assert.SkipUnless(
            OperatingSystem.IsLinux() && ProgramPath.Find("bash") is not null && ProgramPath.Find("curl") is not null,
            "needs bash and curl on Linux");
        await using var teacher = await LoopbackTeacher.StartAsync(Labels[0]);
        using var place = new TemporaryDirectory();
        var readme = await File.ReadAllTextAsync(Path.Combine(Repository.Root, "README.md"), TestContext.Current.CancellationToken);
        WriteFiles(place.Path, readme);
        var port = teacher.FreePort();
        var lines = Lines(readme).Select(line => Smaller(line, teacher.Url, port)).ToList();
        await File.WriteAllTextAsync(Path.Combine(place.Path, "readme.sh"), Script(lines, port), TestContext.Current.CancellationToken);

        var (code, output, error) = await RunAsync(place.Path);

        Assert.True(code == 0, $"exit code {code}\n{error}\n{output}");
        Assert.InRange(lines.Count, 15, 40);
        var said = output.Split('\n').Where(l => l.StartsWith('{')).Select(l => JsonDocument.Parse(l).RootElement).ToList();
        Assert.Contains(said, a => a.TryGetProperty("label", out _));                 // predict
        Assert.Contains(said, a => a.TryGetProperty("predictions", out _));           // curl
        Assert.True(File.Exists(Path.Combine(place.Path, "data/tickets-cot/annotation.json")));
    }

    /// <summary>The lines of the README's shell blocks, continued lines joined.</summary>
    private static IEnumerable<string> Lines(string readme) =>
        Shell().Matches(readme).SelectMany(m => m.Groups["code"].Value.Replace("\\\n", "", StringComparison.Ordinal).Split('\n'))
            .Select(l => l.Trim())
            .Where(l => l.Length > 0 && !l.StartsWith('#') && !RunElsewhere.Any(e => l.StartsWith(e, StringComparison.Ordinal)));

    private static string Smaller(string line, string teacher, int port) => line
        .Replace("--max-steps 1600", "--max-steps 4", StringComparison.Ordinal)
        .Replace("--warmup-steps 200", "--warmup-steps 2 --max-steps 4", StringComparison.Ordinal)
        .Replace("--student t5-small", "--student t5-tiny", StringComparison.Ordinal)
        .Replace("https://api.openai.com/v1", teacher, StringComparison.Ordinal)
        .Replace("http://localhost:8000/v1", teacher, StringComparison.Ordinal)
        .Replace(":5080", $":{port}", StringComparison.Ordinal);

    /// <summary>All lines as one script that stops at the first that fails; servers run beside it.</summary>
    private static string Script(IEnumerable<string> lines, int port)
    {
        var script = new StringBuilder($$"""
            set -euo pipefail
            server=
            trap '[ -z "$server" ] || kill "$server"' EXIT
            export DISTILL_SERVE_URLS=http://127.0.0.1:{{port}} DISTILL_ANNOTATE_API_KEY=key
            export DISTILL_TRAIN_DEVICE=cpu DISTILL_TRAIN_MAX_STEPS=4

            """);
        foreach (var line in lines)
        {
            script.AppendLine($"echo '>> {line.Replace('\'', '"')}' >&2");
            if (!line.StartsWith("scripts/distill serve", StringComparison.Ordinal))
            {
                script.AppendLine(line);
                continue;
            }

            script.AppendLine($"{line} & server=$!");
            script.AppendLine($"curl -s --retry 60 --retry-delay 1 --retry-connrefused -o /dev/null http://127.0.0.1:{port}/readyz");
        }

        return script.ToString();
    }

    private static async Task<(int Code, string Output, string Error)> RunAsync(string directory)
    {
        var start = new ProcessStartInfo("bash", ["readme.sh"])
        {
            WorkingDirectory = directory,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
        };
        using var process = Process.Start(start)!;
        process.StandardInput.Close();
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        try
        {
            await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        }
        finally
        {
            if (!process.HasExited) process.Kill(entireProcessTree: true);
        }

        return (process.ExitCode, await output, await error);
    }

    /// <summary>What the README's user has: the paper's files, a spreadsheet's rows, a public checkpoint.</summary>
    private static void WriteFiles(string root, string readme)
    {
        void Write(string name, string text)
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Path.Combine(root, name))!);
            File.WriteAllText(Path.Combine(root, name), text);
        }

        Write("scripts/distill", $"#!/usr/bin/env bash\nexec dotnet {DistillProcess.Program} \"$@\"\n");
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(Path.Combine(root, "scripts/distill"), UnixFileMode.UserRead | UnixFileMode.UserExecute);
        foreach (var (split, rows) in new[] { ("valid", 60), ("test", 12) })
        {
            Write($"dss/esnli/esnli_{split}.json", string.Join("\n", Enumerable.Range(0, rows).Select(i => JsonSerializer.Serialize(
                new { premise = $"A man sleeps in room {i} of {split}.", hypothesis = $"Room {i} is empty.", label = i % 3 }))));
            Write($"dss/esnli/llm/{split}_CoT_0.json", JsonSerializer.Serialize(
                Enumerable.Range(0, rows).Select(i => $"A man is in room {i}.\nAnswer: {Relations[i % 3]}\n")));
        }

        var blocks = Json().Matches(readme).Select(m => m.Groups["code"].Value);
        Write("task.json", blocks.Single(j => j.Contains("\"tickets\"", StringComparison.Ordinal)));
        Write("tickets.csv", "subject,body,team\n" + string.Join("\n", Enumerable.Range(0, 60).Select(i =>
            $"Ticket {i},\"About a {Labels[i % 3]}, number {i}\",{Labels[i % 3]}")));
        RandomCheckpoint.Write(
            Path.Combine(root, "path/to/flan-t5-base"), RandomCheckpoint.Uneven, task: null, spieceModel: TinyTokenizer.SpieceModel);
    }

    [GeneratedRegex(@"^```sh\n(?<code>.*?)^```", RegexOptions.Singleline | RegexOptions.Multiline)]
    private static partial Regex Shell();

    [GeneratedRegex(@"^```json\n(?<code>.*?)^```", RegexOptions.Singleline | RegexOptions.Multiline)]
    private static partial Regex Json();
}
