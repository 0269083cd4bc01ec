using System.Text.Json;
using System.Text.RegularExpressions;
using Deque.AxeCore.Commons;
using PuppeteerSharp;
using PuppeteerSharp.Media;

namespace NativeGreenlet.SiteCheck;

/// <summary>Looks at one page after another.</summary>
internal sealed partial class Browser(Uri site, Report report, Links links) : IAsyncDisposable
{
    private const string Axe = "axe.run(document, { runOnly: ['color-contrast', 'image-alt', 'link-name', 'svg-img-alt'], resultTypes: ['violations'] })"
        + ".then(found => JSON.stringify(found.violations.flatMap(rule => rule.nodes.map(node => `${rule.id}: ${node.target.join(' ')}: ${node.any.map(each => each.message).join('; ')}`))))";

    private static readonly string s_axe = new BundledAxeScriptProvider().GetScript();
    private static readonly string s_page = Script("page.js");
    private static readonly string s_picture = Script("picture.js");

    private IBrowser? _browser;

    /// <summary>Starts it.</summary>
    public async Task StartAsync(string chromium) => _browser = await Puppeteer.LaunchAsync(new LaunchOptions
    {
        ExecutablePath = chromium,
        Headless = true,
        Timeout = 120_000,
        ProtocolTimeout = 240_000,
        Args = ["--no-sandbox", "--disable-gpu", "--hide-scrollbars"],
    });

    /// <summary>Looks at pages, two at a time.</summary>
    /// <param name="views">How, in turn; a page is loaded once for those of one scheme.</param>
    /// <param name="pages">Their paths in the site.</param>
    /// <param name="pictures">Where to put a picture of each; null for none.</param>
    public Task LookAsync(IReadOnlyList<View> views, IReadOnlyList<string> pages, string? pictures) => Parallel.ForEachAsync(
        pages.Chunk(Math.Max(1, (pages.Count + 1) / 2)),
        new ParallelOptions { MaxDegreeOfParallelism = 2 },
        async (chunk, _) =>
        {
            await using IPage page = await _browser!.NewPageAsync();
            page.DefaultTimeout = 120_000;
            await page.EmulateMediaFeaturesAsync([new MediaFeatureValue { MediaFeature = MediaFeature.PrefersColorScheme, Value = views[0].Scheme }]);
            string current = "";
            page.Response += (_, answer) =>
            {
                if ((int)answer.Response.Status >= 400)
                {
                    report.Add(current, $"{(int)answer.Response.Status} for {answer.Response.Url}");
                }
            };
            page.PageError += (_, error) => report.Add(current, $"a script failed: {error.Message.Split('\n')[0]}");
            foreach (string path in chunk)
            {
                current = path;
                await page.GoToAsync(new Uri(site, path).AbsoluteUri, WaitUntilNavigation.Load);
                foreach (View view in views)
                {
                    await page.SetViewportAsync(new ViewPortOptions { Width = view.Width, Height = view.Height });
                    await LookAsync(page, view, path);
                    if (pictures is not null)
                    {
                        Directory.CreateDirectory(Path.Combine(pictures, view.Name));
                        await page.ScreenshotAsync(Path.Combine(pictures, view.Name, path.Replace('/', '_') + ".png"));
                    }
                }
            }
        });

    public async ValueTask DisposeAsync()
    {
        if (_browser is not null)
        {
            await _browser.DisposeAsync();
        }
    }

    private static string Script(string name)
    {
        using StreamReader reader = new(typeof(Browser).Assembly.GetManifestResourceStream(name)!);
        return reader.ReadToEnd();
    }

    private async Task LookAsync(IPage page, View view, string path)
    {
        if (path.EndsWith(".svg", StringComparison.Ordinal))
        {
            foreach (string problem in await page.EvaluateFunctionAsync<string[]>(s_picture))
            {
                report.Add(path, $"{view.Name}: {problem}");
            }

            return;
        }

        JsonElement found = await page.EvaluateFunctionAsync<JsonElement>(s_page);
        foreach (JsonElement problem in found.GetProperty("problems").EnumerateArray())
        {
            report.Add(path, $"{view.Name}: {problem.GetString()}");
        }

        links.Add(path, Strings(found, "ids"), Strings(found, "links"));
        await page.EvaluateExpressionAsync(s_axe + ";0");
        foreach (string problem in JsonSerializer.Deserialize<string[]>(await page.EvaluateExpressionAsync<string>(Axe))!)
        {
            report.Add(path, $"{view.Name}: {NumberOfElement().Replace(problem, "")}");
        }
    }

    [GeneratedRegex(@":nth-child\(\d+\)|(?<=\[href\$=)[^\]]*")]
    private static partial Regex NumberOfElement(); // what is alike is told once

    private static IEnumerable<string> Strings(JsonElement found, string name) => found.GetProperty(name).EnumerateArray().Select(each => each.GetString()!);
}
