using System.Diagnostics;
using System.Text.RegularExpressions;

namespace DistillOnnx.Server.Tests.Fakes;

/// <summary>The server's own executable, as a shell starts it.</summary>
internal sealed partial class ServerProgram : IDisposable
{
    private readonly Process _process;
    private readonly Task<string> _output;
    private readonly List<string> _lines = [];

    private ServerProgram(Process process)
    {
        _process = process;
        _output = process.StandardOutput.ReadToEndAsync();
    }

    /// <summary>What it wrote to stderr, as far as it was read.</summary>
    public IReadOnlyList<string> Lines => _lines;

    /// <summary>Its exit code, once it has ended.</summary>
    public int ExitCode => _process.ExitCode;

    /// <summary>Whether it still runs.</summary>
    public bool IsRunning => !_process.HasExited;

    /// <summary>Starts it.</summary>
    /// <param name="arguments">Its arguments.</param>
    /// <param name="files">Most files that it may have open; null: as many as this process.</param>
    /// <param name="environment">Variables beside this process's own.</param>
    public static ServerProgram Start(IEnumerable<string> arguments, int? files = null, params (string Name, string Value)[] environment)
    {
        string[] command = ["dotnet", Path.Combine(AppContext.BaseDirectory, "DistillOnnx.Server.dll"), .. arguments];
        if (files is { } most) command = ["bash", "-c", $"ulimit -n {most}; exec \"$@\"", "bash", .. command];
        var start = new ProcessStartInfo(command[0], command[1..]) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var (name, value) in environment) start.Environment[name] = value;
        return new ServerProgram(Process.Start(start)!);
    }

    /// <summary>The address that it listens on; fails where it ends before.</summary>
    public async Task<string> AddressAsync()
    {
        while (await _process.StandardError.ReadLineAsync().WaitAsync(TestServer.Patience) is { } line)
        {
            _lines.Add(line);
            if (Address().Match(line) is { Success: true } match) return match.Value;
        }

        throw new InvalidOperationException($"the server ended before it listened: {string.Join('\n', _lines)}");
    }

    /// <summary>Waits for a line that has a text in it; fails where it ends before.</summary>
    public async Task LineAsync(string text)
    {
        while (await _process.StandardError.ReadLineAsync().WaitAsync(TestServer.Patience) is { } line)
        {
            _lines.Add(line);
            if (line.Contains(text, StringComparison.Ordinal)) return;
        }

        throw new InvalidOperationException($"the server ended before it said \"{text}\": {string.Join('\n', _lines)}");
    }

    /// <summary>Asks it to stop, with the signal that a container's runtime sends.</summary>
    public void Terminate()
    {
        using var kill = Process.Start("kill", ["-TERM", $"{_process.Id}"]);
        kill.WaitForExit();
    }

    /// <summary>Waits for its end and returns all lines that it wrote, to stdout and stderr.</summary>
    public async Task<IReadOnlyList<string>> EndAsync()
    {
        var rest = await _process.StandardError.ReadToEndAsync().WaitAsync(TestServer.Patience);
        await _process.WaitForExitAsync().WaitAsync(TestServer.Patience);
        return [.. _lines, .. Split(rest), .. Split(await _output)];
    }

    public void Dispose()
    {
        if (IsRunning) _process.Kill();
        _process.Dispose();
    }

    private static string[] Split(string text) => text.Split('\n', StringSplitOptions.RemoveEmptyEntries);

    [GeneratedRegex(@"https?://127\.0\.0\.1:[1-9]\d*")]
    private static partial Regex Address();
}
