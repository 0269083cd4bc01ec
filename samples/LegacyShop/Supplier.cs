using System.Globalization;

namespace NativeGreenlet.LegacyShop;

/// <summary>Prices from another company's service, by HttpClient, synchronously.</summary>
public class Supplier(HttpClient http)
{
    public int PriceOf(int product)
    {
        using HttpRequestMessage request = new(HttpMethod.Get, $"/price/{product}");
        using HttpResponseMessage response = http.Send(request);
        response.EnsureSuccessStatusCode();
        using StreamReader reader = new(response.Content.ReadAsStream());
        return int.Parse(reader.ReadToEnd(), CultureInfo.InvariantCulture);
    }
}
