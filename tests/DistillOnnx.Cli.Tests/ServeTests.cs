using System.Diagnostics;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace DistillOnnx.Cli.Tests;

/// <summary>From a checkpoint to an answer over HTTP, with the program that users run.</summary>
public sealed partial class ServeTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(1);

    [Theory]
    [InlineData("INT")]
    [InlineData("TERM")]
    public async Task Serve_Signalled_AnswersWhatIsInAndExitsWith0(string signal)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "signals are POSIX's");
        using var task = new TrainingTask();
        Assert.Equal(0, (await DistillProcess.Run(task.Train("student", 2))).ExitCode);
        var exported = await DistillProcess.Run(["export", "--model", task["student"], "--out", task["bundle"]]);
        Assert.True(exported.ExitCode == 0, exported.Error);

        using var server = DistillProcess.Start(["serve", "--model", "things=" + task["bundle"], "--urls", "http://127.0.0.1:0"]);
        var address = await Address(server);
        using var http = new HttpClient { BaseAddress = new Uri(address), Timeout = Limit };
        var calls = Enumerable.Range(0, 8).Select(i => Label(http, $"a saw on the table number {i}")).ToList();
        Assert.All(await Task.WhenAll(calls), label => Assert.Contains(label, (string[])["fruit", "tool"]));

        using (var kill = Process.Start("kill", ["-" + signal, $"{server.Id}"])) await kill.WaitForExitAsync().WaitAsync(Limit);
        var error = await server.StandardError.ReadToEndAsync().WaitAsync(Limit);
        await DistillProcess.WaitForExit(server);

        Assert.Equal(0, server.ExitCode);
        Assert.DoesNotContain("   at ", error, StringComparison.Ordinal);
    }

    private static async Task<string> Label(HttpClient http, string text)
    {
        using var response = await http.PostAsJsonAsync("/v1/models/things:predict", new { inputs = new[] { new { text } } });
        var answer = await response.Content.ReadFromJsonAsync<JsonElement>();
        return answer.GetProperty("predictions")[0].GetProperty("label").GetString()!;
    }

    private static async Task<string> Address(Process server)
    {
        while (await server.StandardError.ReadLineAsync().WaitAsync(Limit) is { } line)
        {
            if (ListeningOn().Match(line) is { Success: true } match) return match.Value;
        }

        throw new InvalidOperationException("the server ended before it listened");
    }

    [GeneratedRegex(@"http://127\.0\.0\.1:[1-9]\d*")]
    private static partial Regex ListeningOn();
}
