using DistillOnnx.Server.Tests.Fakes;

namespace DistillOnnx.Server.Tests.Interop;

/// <summary>The page that shows the OpenAPI document.</summary>
public sealed class DocsPageTests
{
    [Fact]
    public async Task Page_Opened_ShowsTheCallsAndLoadsNothingFromElsewhere()
    {
        var chromium = new[] { "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome" }.FirstOrDefault(File.Exists);
        Assert.SkipWhen(chromium is null, "no chromium on this machine");
        await using var server = await TestServer.StartAsync();
        await using var browser = await Browser.StartAsync(chromium!);
        await browser.OpenAsync(server.Address + "/docs");

        await browser.UntilAsync("document.body.innerText.includes(':predict')");

        var loaded = await browser.EvaluateAsync("performance.getEntriesByType('resource').map(r => r.name).join('|')");
        Assert.NotEmpty(loaded!);
        string[] within = ["data:", "blob:"];
        Assert.All(
            loaded!.Split('|').Where(u => !within.Any(scheme => u.StartsWith(scheme, StringComparison.Ordinal))),
            url => Assert.StartsWith(server.Address + "/", url, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Page_Asked_ForbidsWhateverIsElsewhere()
    {
        await using var server = await TestServer.StartAsync();

        using var response = await server.Http.GetAsync("/docs");

        var policy = response.Headers.GetValues("content-security-policy").Single();
        Assert.Contains("default-src 'none'", policy, StringComparison.Ordinal);
        Assert.DoesNotContain("http", policy, StringComparison.Ordinal);
        Assert.DoesNotContain("*", policy, StringComparison.Ordinal);
    }
}
