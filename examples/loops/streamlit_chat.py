"""A chat in Streamlit: ``streamlit run streamlit_chat.py``."""

import streamlit as st
from openai import OpenAI

from chatstore.core import ChatMemoryBuffer, ChatMessage, open_store, to_openai

store = st.cache_resource(open_store)("sqlite:///chat.db")
memory = ChatMemoryBuffer(8000, store, "user:42")
for message in memory.get_all():
    st.chat_message(message.role.value).write(message.text)
if text := st.chat_input("Your message"):
    memory.put(ChatMessage(role="user", content=text))
    st.chat_message("user").write(text)
    answer = OpenAI().chat.completions.create(
        model="gpt-5", messages=to_openai(memory.get()), stream=True
    )
    reply = st.chat_message("assistant").write_stream(answer)
    memory.put(ChatMessage(role="assistant", content=reply))
