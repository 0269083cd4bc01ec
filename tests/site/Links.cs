using System.Collections.Concurrent;

namespace NativeGreenlet.SiteCheck;

/// <summary>Where links lead, and what is there.</summary>
internal sealed class Links(string folder, Uri site)
{
    private readonly ConcurrentDictionary<string, HashSet<string>> _ids = new(StringComparer.Ordinal);
    private readonly ConcurrentBag<(string Page, Uri Target)> _links = [];

    /// <summary>Adds what a page has.</summary>
    public void Add(string page, IEnumerable<string> ids, IEnumerable<string> targets)
    {
        _ids[page] = [.. ids];
        foreach (string target in targets)
        {
            if (Uri.TryCreate(target, UriKind.Absolute, out Uri? uri) && uri.Authority == site.Authority && uri.Scheme == site.Scheme)
            {
                _links.Add((page, uri));
            }
        }
    }

    /// <summary>Says which lead nowhere. Those to pages that were not looked at count if the file is there.</summary>
    public void Check(Report report)
    {
        // By the text: a Uri is equal to one with another fragment.
        foreach ((string page, Uri target) in _links.DistinctBy(link => (link.Page, link.Target.AbsoluteUri)))
        {
            string path = Uri.UnescapeDataString(target.AbsolutePath.TrimStart('/'));
            path = path.Length == 0 || path.EndsWith('/') ? path + "index.html" : path;
            string fragment = Uri.UnescapeDataString(target.Fragment.TrimStart('#'));
            if (!File.Exists(Path.Combine(folder, path)))
            {
                report.Add(page, $"broken link: {path}");
            }
            else if (fragment.Length != 0 && _ids.TryGetValue(path, out HashSet<string>? ids) && !ids.Contains(fragment))
            {
                report.Add(page, $"broken link: {path} has no #{fragment}");
            }
        }
    }
}
