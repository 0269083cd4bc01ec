using System.Diagnostics;
using System.Text.RegularExpressions;
using NativeGreenlet.Cooperative;
using NativeGreenlet.Crawler;

// A crawler in plain, blocking style, and the site that it crawls, in one thread.
Hub.Run(() =>
{
    using GreenTcpServer site = Site.Create();
    site.Start();
    using HttpClient client = new(new GreenHttpHandler());

    GreenPool pool = new(10);
    HashSet<string> seen = ["/1"];
    Stopwatch watch = Stopwatch.StartNew();
    using GreenTimeout limit = new(TimeSpan.FromSeconds(60));

    List<string> round = ["/1"];
    while (round.Count != 0)
    {
        round = [.. pool.Map(round, Links).SelectMany(links => links).Where(seen.Add)];
    }

    site.Stop();
    Console.WriteLine($"{seen.Count} pages, ten at a time");
    Console.Error.WriteLine($"{watch.Elapsed.TotalSeconds:F1} s; one after the other they take {(seen.Count * Site.Delay).TotalSeconds:F1} s");

    string[] Links(string path)
    {
        Uri address = new($"http://127.0.0.1:{site.EndPoint.Port}{path}");
        using HttpResponseMessage reply = client.Send(new HttpRequestMessage(HttpMethod.Get, address));
        using StreamReader reader = new(reply.EnsureSuccessStatusCode().Content.ReadAsStream());
        return [.. Regex.Matches(reader.ReadToEnd(), "href=\"([^\"]*)\"").Select(match => match.Groups[1].Value)];
    }
});
