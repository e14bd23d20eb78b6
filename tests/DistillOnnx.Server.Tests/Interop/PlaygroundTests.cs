using System.Net;
using DistillOnnx.Server.Playground;
using DistillOnnx.Server.Tests.Fakes;

namespace DistillOnnx.Server.Tests.Interop;

public sealed class PlaygroundTests
{
    [Fact]
    public async Task Page_NotAskedFor_IsNotThere()
    {
        await using var server = await TestServer.StartAsync();

        Assert.Equal(HttpStatusCode.NotFound, (await server.Http.GetAsync("/")).StatusCode);
    }

    [Fact]
    public async Task Page_AskedFor_AllowsItsOwnScriptAlone()
    {
        await using var server = await TestServer.StartAsync(configure: o => o with { Playground = true });

        using var response = await server.Http.GetAsync("/");

        Assert.Equal(PlaygroundPage.Read().Page, await response.Content.ReadAsStringAsync());
        Assert.Contains(
            $"'sha256-{PlaygroundPage.Read().ScriptHash}'",
            response.Headers.GetValues("content-security-policy").Single(),
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task Page_PersonTypesAText_ShowsTheLabelsAndProbabilities()
    {
        var chromium = new[] { "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome" }.FirstOrDefault(File.Exists);
        Assert.SkipWhen(chromium is null, "no chromium on this machine");
        await using var server = await TestServer.StartAsync(configure: o => o with { Playground = true });
        await using var browser = await Browser.StartAsync(chromium!);
        await browser.OpenAsync(server.Address);

        await browser.UntilAsync("document.querySelector('#model')?.value === 'nli'");
        Assert.Equal("true", await browser.EvaluateAsync("document.querySelector('#choices-label').offsetParent === null"));
        await browser.EvaluateAsync("document.querySelector('#text').focus()");
        await browser.TypeAsync("a man sleeps");
        await browser.EvaluateAsync("document.querySelector('#predict').click()");
        await browser.UntilAsync("document.querySelector('#label') !== null");

        var expected = server.Predictor.Answer("a man sleeps");
        Assert.Equal(expected.Label, await browser.EvaluateAsync("document.querySelector('#label').textContent"));
        var shown = await browser.EvaluateAsync(
            "[...document.querySelectorAll('.row')].map(r => r.innerText.replace(/\\s+/g, ' ').trim()).join('|')");
        Assert.Equal(
            FakePredictor.Labels.Select((label, i) => FormattableString.Invariant($"{label} {100 * expected.Probabilities![i]:0.0} %")),
            shown!.Split('|'));
        Assert.Equal("true", await browser.EvaluateAsync("document.querySelector('#rationale') === null"));
        Assert.Empty(server.Predictor.Explained);

        await browser.EvaluateAsync("document.querySelector('#explain').click()");
        await browser.EvaluateAsync("document.querySelector('#predict').click()");
        await browser.UntilAsync("document.querySelector('#rationale') !== null");

        Assert.Equal(
            FakePredictor.Rationale("a man sleeps"), await browser.EvaluateAsync("document.querySelector('#rationale').textContent"));
        Assert.Equal(
            "The model's own words, not a proof of its label",
            await browser.EvaluateAsync("document.querySelector('#rationale').previousElementSibling.textContent"));
    }
}
