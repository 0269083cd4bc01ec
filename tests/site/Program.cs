using System.Diagnostics;
using Microsoft.AspNetCore.StaticFiles;
using Microsoft.Extensions.FileProviders;
using NativeGreenlet.SiteCheck;

// Looks at every page and every picture of a site in a browser: light, dark and narrow.
// SITE CHROMIUM [PART-OF-A-NAME]; pictures of what it saw go to the folder that NG_SITE_PICTURES names.
if (args.Length < 2)
{
    Console.Error.WriteLine("usage: SITE CHROMIUM [PART-OF-A-NAME]");
    return 2;
}

long start = Stopwatch.GetTimestamp();
string folder = Path.GetFullPath(args[0]);
string[] pages =
[
    .. Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories)
        .Where(path => Path.GetExtension(path) is ".html" or ".svg")
        .Select(path => Path.GetRelativePath(folder, path).Replace('\\', '/'))
        .Where(path => !path.StartsWith("public/", StringComparison.Ordinal) && Path.GetFileName(path) != "toc.html" && Path.GetFileName(path) != "logo.svg")
        .Where(path => args.Length < 3 || path.Contains(args[2], StringComparison.Ordinal))
        .Order(StringComparer.Ordinal),
];
if (pages.Length == 0)
{
    Console.Error.WriteLine($"There are no pages in {folder}: ./build.sh docs makes them.");
    return 1;
}

WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
builder.Logging.ClearProviders();
builder.WebHost.UseUrls("http://127.0.0.1:0");
await using WebApplication app = builder.Build();
// The index of the search is not read: each page would build it anew, and nothing here searches.
app.MapGet("/index.json", () => Results.Text("{}", "application/json"));
app.UseFileServer(new FileServerOptions
{
    FileProvider = new PhysicalFileProvider(folder),
    StaticFileOptions = { ServeUnknownFileTypes = true, ContentTypeProvider = new FileExtensionContentTypeProvider(), OnPrepareResponse = answer => answer.Context.Response.Headers.CacheControl = "max-age=3600" },
});
await app.StartAsync();

Uri site = new(app.Urls.First());
Report report = new();
Links links = new(folder, site);
await using (Browser browser = new(site, report, links, Environment.GetEnvironmentVariable("NG_SITE_PICTURES")))
{
    Console.WriteLine($"== {pages.Length} pages and pictures, {string.Join(", ", View.All.Select(view => $"{view.Name} ({view.Width} x {view.Height})"))}");
    await browser.StartAsync(args[1]);
    await browser.LookAsync(pages);
    Console.WriteLine(string.Join(", ", browser.Parts.Select(part => $"{part.Part} {part.Time.TotalSeconds:F0} s")));
    Console.WriteLine($"The slowest: {string.Join(", ", browser.Slowest.Take(3).Select(each => $"{each.Page} {each.Time.TotalSeconds:F1} s"))}");
}

links.Check(report);
int problems = report.Write();
Console.WriteLine($"{pages.Length} pages and pictures, {View.All.Count} views, {problems} problems, {Stopwatch.GetElapsedTime(start).TotalSeconds:F0} s");
return problems == 0 ? 0 : 1;
