using System.Diagnostics;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace DistillOnnx.Cli.Tests;

/// <summary>From a checkpoint to an answer over HTTP, with the program that users run.</summary>
public sealed partial class ServeTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(5);

    [Theory]
    [InlineData("INT", false)]
    [InlineData("TERM", true)]
    public async Task Serve_Signalled_AnswersWhatIsInAndExitsWith0(string signal, bool json)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "signals are POSIX's");
        using var task = new TrainingTask();
        Assert.Equal(0, (await DistillProcess.Run(task.Train("student", 2))).ExitCode);
        var exported = await DistillProcess.Run(["export", "--model", task["student"], "--out", task["bundle"]]);
        Assert.True(exported.ExitCode == 0, exported.Error);

        string[] arguments = ["serve", "--model", "things=" + task["bundle"], "--urls", "http://127.0.0.1:0"];
        using var server = DistillProcess.Start(json ? [.. arguments, "--log-json"] : arguments, ("DISTILL_SERVE_URLSS", "a mistake"));
        var lines = new List<string>();
        var address = await Address(server, lines);
        using var http = new HttpClient { BaseAddress = new Uri(address), Timeout = Limit };
        var calls = Enumerable.Range(0, 8).Select(i => Label(http, $"a saw on the table number {i}")).ToList();
        Assert.All(await Task.WhenAll(calls), label => Assert.Contains(label, (string[])["fruit", "tool"]));

        using (var kill = Process.Start("kill", ["-" + signal, $"{server.Id}"])) await kill.WaitForExitAsync().WaitAsync(Limit);
        var error = await server.StandardError.ReadToEndAsync().WaitAsync(Limit);
        await DistillProcess.WaitForExit(server);

        Assert.Equal(0, server.ExitCode);
        Assert.DoesNotContain("   at ", error, StringComparison.Ordinal);
        if (!json) return;

        // Warnings of the command line and what it says of the signal are the log's objects too.
        lines.AddRange(error.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        lines.AddRange((await server.StandardOutput.ReadToEndAsync()).Split('\n', StringSplitOptions.RemoveEmptyEntries));
        var messages = lines.Select(l => JsonDocument.Parse(l).RootElement.GetProperty("Message").GetString()!).ToList();
        Assert.Contains(messages, m => m.Contains("DISTILL_SERVE_URLSS", StringComparison.Ordinal));
        Assert.Contains(messages, m => m.StartsWith("distill: stopping", StringComparison.Ordinal));
        Assert.Equal("Stopped", messages[^1]);
    }

    [Theory]
    [InlineData("--no-such-option")]
    [InlineData("--model", "/no/such/bundle")]
    public async Task Serve_LogJsonAndArgumentsAtFault_SaysSoInAnObject(params string[] arguments)
    {
        var run = await DistillProcess.Run(["serve", .. arguments, "--log-json"]);

        var line = JsonDocument.Parse(Assert.Single(run.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries))).RootElement;
        Assert.Equal((2, "Critical", ""), (run.ExitCode, line.GetProperty("LogLevel").GetString(), run.Output));
        Assert.Contains(arguments[^1], line.GetProperty("Message").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public void LineVerbs_OfTheServersExecutable_AreTheCommandLines() =>
        Assert.Equal(Cli.Verbs.VerbTable.Names.Order(), Server.Configuration.LineVerbs.All.Order());

    private static async Task<string> Label(HttpClient http, string text)
    {
        using var response = await http.PostAsJsonAsync("/v1/models/things:predict", new { inputs = new[] { new { text } } });
        var answer = await response.Content.ReadFromJsonAsync<JsonElement>();
        return answer.GetProperty("predictions")[0].GetProperty("label").GetString()!;
    }

    private static async Task<string> Address(Process server, List<string> lines)
    {
        while (await server.StandardError.ReadLineAsync().WaitAsync(Limit) is { } line)
        {
            lines.Add(line);
            if (ListeningOn().Match(line) is { Success: true } match) return match.Value;
        }

        throw new InvalidOperationException("the server ended before it listened");
    }

    [GeneratedRegex(@"http://127\.0\.0\.1:[1-9]\d*")]
    private static partial Regex ListeningOn();
}
