import PoolProtocol
import Testing

struct SlowHandlerTests {
    @Test func eachKindIsNewsOnce() {
        var news = SlowHandlerNews()
        let timer = SlowHandler(.timer, count: 1, longest: .milliseconds(120))
        let orders = SlowHandler(.orders, count: 3, longest: .milliseconds(900))
        #expect(news.fresh([]) == [])
        #expect(news.fresh([timer]) == [timer])
        #expect(news.fresh([SlowHandler(.timer, count: 50, longest: .seconds(2)), orders]) == [orders])
        #expect(news.fresh([timer, orders]) == [])
    }
}
