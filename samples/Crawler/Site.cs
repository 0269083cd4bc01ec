using System.Net;
using System.Text;
using NativeGreenlet.Cooperative;

namespace NativeGreenlet.Crawler;

/// <summary>A small web site to crawl: page N links to 2N and 2N + 1, and every page takes its time.</summary>
internal static class Site
{
    public const int Pages = 63;

    public static readonly TimeSpan Delay = TimeSpan.FromMilliseconds(50);

    public static GreenTcpServer Create() => new(new IPEndPoint(IPAddress.Loopback, 0), Serve);

    private static void Serve(GreenStream connection)
    {
        using StreamReader reader = new(connection);
        if (reader.ReadLine() is not { } request)
        {
            return;
        }

        while (reader.ReadLine() is { Length: > 0 })
        {
        }

        Hub.Sleep(Delay);
        int page = int.Parse(request.Split(' ')[1].TrimStart('/'), System.Globalization.CultureInfo.InvariantCulture);
        IEnumerable<int> links = new[] { page * 2, (page * 2) + 1 }.Where(link => link <= Pages);
        string body = $"<h1>{page}</h1>{string.Concat(links.Select(link => $"<a href=\"/{link}\">"))}";
        connection.Write(Encoding.ASCII.GetBytes(
            $"HTTP/1.1 200 OK\r\nContent-Length: {body.Length}\r\nConnection: close\r\n\r\n{body}"));
    }
}
