using PuppeteerSharp;

namespace NativeGreenlet.SiteCheck;

/// <summary>A tab of the browser, in which one page after another is shown.</summary>
internal sealed class Tab
{
    private Tab(IPage page) => Page = page;

    /// <summary>Gets what the browser shows.</summary>
    public IPage Page { get; }

    /// <summary>Gets or sets the path of the page that is shown.</summary>
    public string Path { get; set; } = "";

    /// <summary>Opens one, which reports what its pages cannot load, and scripts that fail.</summary>
    public static async Task<Tab> OpenAsync(IBrowser browser, Report report)
    {
        Tab tab = new(await browser.NewPageAsync());
        tab.Page.DefaultTimeout = 120_000;
        tab.Page.Response += (_, answer) =>
        {
            if ((int)answer.Response.Status >= 400)
            {
                report.Add(tab.Path, $"{(int)answer.Response.Status} for {answer.Response.Url}");
            }
        };
        tab.Page.PageError += (_, error) => report.Add(tab.Path, $"a script failed: {error.Message.Split('\n')[0]}");
        return tab;
    }
}
