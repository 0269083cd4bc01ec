using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text.Json;
using System.Text.RegularExpressions;
using Deque.AxeCore.Commons;
using PuppeteerSharp;
using PuppeteerSharp.Media;

namespace NativeGreenlet.SiteCheck;

/// <summary>Looks at one page after another, each of which is loaded once, in several tabs.</summary>
internal sealed partial class Browser(Uri site, Report report, Links links, string? pictures) : IAsyncDisposable
{
    private static readonly string[] s_rules = ["color-contrast", "image-alt", "link-name", "svg-img-alt"];
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(90); // for a page, which takes less than one without other load
    private static readonly string s_axeCore = new BundledAxeScriptProvider().GetScript() + ";0";
    private static readonly string s_axe = Script("axe.js");
    private static readonly string s_page = Script("page.js");
    private static readonly string s_fit = Script("fit.js");
    private static readonly string s_contrast = Script("contrast.js");
    private static readonly string s_theme = Script("theme.js");
    private static readonly string s_picture = Script("picture.js");

    private readonly ConcurrentDictionary<string, string> _folders = new(StringComparer.Ordinal);
    private readonly ConcurrentBag<(string Page, TimeSpan Time)> _times = [];

    private readonly Lock _lock = new();
    private readonly Dictionary<string, TimeSpan> _parts = [];

    private IBrowser? _browser;

    /// <summary>Gets the pages that took longest.</summary>
    public IEnumerable<(string Page, TimeSpan Time)> Slowest => _times.OrderByDescending(each => each.Time);

    /// <summary>Gets how long the parts of the looks took, added up over the tabs.</summary>
    public IEnumerable<(string Part, TimeSpan Time)> Parts => _parts.Select(each => (each.Key, each.Value));

    /// <summary>Starts it.</summary>
    public async Task StartAsync(string chromium) => _browser = await Puppeteer.LaunchAsync(new LaunchOptions
    {
        ExecutablePath = chromium,
        Headless = true,
        Timeout = 120_000,
        ProtocolTimeout = 240_000,
        Args = ["--no-sandbox", "--disable-gpu", "--hide-scrollbars"],
    });

    /// <summary>Looks at pages, in as many tabs as there are processors.</summary>
    /// <param name="pages">Their paths in the site.</param>
    public Task LookAsync(IReadOnlyList<string> pages)
    {
        ConcurrentQueue<string> rest = new(pages);
        return Task.WhenAll(Enumerable.Range(0, Environment.ProcessorCount).Select(_ => LookAsync(rest)));
    }

    public async ValueTask DisposeAsync()
    {
        if (_browser is not null)
        {
            await _browser.DisposeAsync();
        }
    }

    private async Task LookAsync(ConcurrentQueue<string> rest)
    {
        Tab? tab = null;
        while (rest.TryDequeue(out string? path))
        {
            tab ??= await Tab.OpenAsync(_browser!, report);
            tab.Path = path;
            long start = Stopwatch.GetTimestamp();
            try
            {
                await LookAsync(tab.Page, path).WaitAsync(s_limit);
            }
            catch (Exception exception) when (exception is TimeoutException or PuppeteerException)
            {
                report.Add(path, $"not looked at to its end, in {s_limit.TotalSeconds:F0} s: {exception.GetType().Name}");
                tab.Page.Dispose();
                tab = null;
            }

            _times.Add((path, Stopwatch.GetElapsedTime(start)));
            if (_times.Count % 25 == 0)
            {
                Console.WriteLine($"{_times.Count} looked at, {rest.Count} left");
            }
        }
    }

    private async Task LookAsync(IPage page, string path)
    {
        View first = View.All[0];
        bool isSample = _folders.TryAdd(Path.GetDirectoryName(path)!, path); // the first page of each folder, and those with diagrams
        bool isPicture = path.EndsWith(".svg", StringComparison.Ordinal);
        await ShowAsync(page, first);
        await Timed("load", page.GoToAsync(new Uri(site, path).AbsoluteUri, WaitUntilNavigation.Load));
        if (!isPicture)
        {
            JsonElement found = await Timed("scripts and links", page.EvaluateFunctionAsync<JsonElement>(s_page));
            Add(path, null, Strings(found, "problems"));
            links.Add(path, Strings(found, "ids"), Strings(found, "links"));
            isSample |= found.GetProperty("hasDiagrams").GetBoolean();
            if (isSample)
            {
                _ = await Timed("axe-core", page.EvaluateExpressionAsync<int>(s_axeCore));
            }
        }

        // What differs from the views before: the colours, or the width, or both.
        List<View> seen = [];
        foreach (View view in View.All)
        {
            bool isNewScheme = seen.TrueForAll(each => each.Scheme != view.Scheme);
            bool isNewWidth = seen.TrueForAll(each => each.Width != view.Width);
            if (view != first)
            {
                await ShowAsync(page, view);
            }

            if (isPicture)
            {
                Add(path, view, isNewScheme ? await Timed("pictures", page.EvaluateFunctionAsync<string[]>(s_picture)) : []);
            }
            else
            {
                Add(path, view, await Timed("theme", page.EvaluateFunctionAsync<string[]>(s_theme, view.Scheme)));
                Add(path, view, isNewWidth ? await Timed("fit", page.EvaluateFunctionAsync<string[]>(s_fit)) : []);
                if (isNewScheme)
                {
                    Add(path, view, await Timed("contrast", page.EvaluateFunctionAsync<string[]>(s_contrast)));
                    Add(path, view, isSample ? await Timed("axe-core", page.EvaluateFunctionAsync<string[]>(s_axe, (object)s_rules)) : []);
                }
            }

            if (pictures is not null)
            {
                _ = Directory.CreateDirectory(Path.Combine(pictures, view.Name));
                await page.ScreenshotAsync(Path.Combine(pictures, view.Name, path.Replace('/', '_') + ".png"));
            }

            seen.Add(view);
        }
    }

    private async Task<T> Timed<T>(string part, Task<T> work)
    {
        long start = Stopwatch.GetTimestamp();
        T result = await work;
        lock (_lock)
        {
            _parts[part] = _parts.GetValueOrDefault(part) + Stopwatch.GetElapsedTime(start);
        }

        return result;
    }

    private static async Task ShowAsync(IPage page, View view)
    {
        await page.EmulateMediaFeaturesAsync([new MediaFeatureValue { MediaFeature = MediaFeature.PrefersColorScheme, Value = view.Scheme }]);
        await page.SetViewportAsync(new ViewPortOptions { Width = view.Width, Height = view.Height });
    }

    private void Add(string path, View? view, IEnumerable<string> problems)
    {
        foreach (string problem in problems)
        {
            string text = NumberOfElement().Replace(problem, "");
            report.Add(path, view is null ? text : $"{view.Name}: {text}");
        }
    }

    private static string Script(string name)
    {
        using StreamReader reader = new(typeof(Browser).Assembly.GetManifestResourceStream(name)!);
        return reader.ReadToEnd();
    }

    [GeneratedRegex(@":nth-child\(\d+\)|(?<=\[href\$=)[^\]]*")]
    private static partial Regex NumberOfElement(); // what is alike is told once

    private static string[] Strings(JsonElement found, string name) => [.. found.GetProperty(name).EnumerateArray().Select(each => each.GetString()!)];
}
